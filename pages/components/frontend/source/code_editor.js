// An editor for Sonic Pi code. It sends the text to Python when the user pauses, and at once on
// Ctrl+Enter or Alt+R, which also render it. code_versions.js keeps the text in the browser.

import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import {
  defaultKeymap, history, historyKeymap, indentLess, insertTab, redo, redoDepth, toggleLineComment,
  undo, undoDepth,
} from "@codemirror/commands";
import { acceptCompletion } from "@codemirror/autocomplete";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Transaction } from "@codemirror/state";
import {
  EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";

import { changePreview, followChangeEvents } from "./change_preview.js";
import { createVersionControls, readCode, storeCode } from "./code_versions.js";
import { editorTheme } from "./editor_theme.js";
import { LiteralSliders } from "./literal_sliders.js";
import { loadCompletionTable, sonicPiCompletion } from "./sonic_pi_completion.js";
import { sonicPiLanguage } from "./sonic_pi_language.js";
import { problemPanel, showProblem } from "./syntax_problem.js";

const DEBOUNCE_MS = 600;
const MAX_CODE_CHARS = 100_000;

// Inserts two spaces, or indents the selected lines.
function insertIndent(view) {
  if (!view.state.selection.main.empty) return insertTab(view);
  view.dispatch(view.state.replaceSelection("  "), { userEvent: "input" });
  return true;
}

// A document that is too long may only become shorter.
const limitLength = EditorState.changeFilter.of(
  ({ newDoc, startState }) => newDoc.length <= Math.max(MAX_CODE_CHARS, startState.doc.length),
);

function createExtensions(state, actions) {
  const keys = [
    { key: "Mod-Enter", run: actions.render },
    { key: "Alt-r", run: actions.render },
    { key: "Mod-/", run: toggleLineComment },
    { key: "Alt-/", run: toggleLineComment },
    { key: "Mod-z", run: actions.undo },
    { key: "Mod-y", run: actions.redo },
    { key: "Mod-Shift-z", run: actions.redo },
    { key: "Tab", run: (view) => acceptCompletion(view) || insertIndent(view), shift: indentLess },
  ];
  return [
    keymap.of(keys),
    keymap.of([
      ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap,
      ...completionKeymap,
    ]),
    lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), drawSelection(),
    history(), indentOnInput(), bracketMatching(), closeBrackets(), highlightSelectionMatches(),
    sonicPiLanguage, sonicPiCompletion, editorTheme, problemPanel, limitLength,
    state.sliders.extension, changePreview,
    EditorView.contentAttributes.of({
      // Browsers focus editable content without `tabindex`; axe-core looks for it.
      tabindex: "0", "aria-label": "Sonic Pi code", autocapitalize: "off", autocorrect: "off", spellcheck: "false",
    }),
    EditorView.updateListener.of((update) => update.docChanged && actions.handleChange(update)),
    EditorView.domEventHandlers({ blur: () => actions.sendNow() }),
  ];
}

// What keys and typing do. `isRecording` is false while undo shows an older version.
function createActions(state) {
  let isRecording = true;
  let timer = null;
  const sendNow = () => {
    clearTimeout(timer);
    if (isRecording) state.controls.record(state.getCode());
    state.sendCode(state.getCode());
  };
  const sendLater = () => {
    clearTimeout(timer);
    timer = setTimeout(sendNow, DEBOUNCE_MS);
  };
  return {
    sendNow,
    // Renders the code; words name the change that led to it.
    render: (words) => {
      sendNow();
      state.requestRender(state.getCode(), typeof words === "string" ? words : "");
      return true;
    },
    // The editor's own undo ends at the last reload; the stored versions go on.
    undo: (view) => (undoDepth(view.state) ? undo(view) : (state.controls.step(-1), true)),
    redo: (view) => (redoDepth(view.state) ? redo(view) : (state.controls.step(1), true)),
    handleChange: ({ transactions }) => {
      if (state.isReplacing) return;
      isRecording = !transactions.some((item) => item.isUserEvent("undo") || item.isUserEvent("redo"));
      storeCode(state.getCode());
      sendLater();
    },
    // Shows a stored version, or code that is new and can be undone.
    replaceCode: (code, isNewVersion) => {
      if (isNewVersion) state.controls.record(state.getCode()); // So that undo returns to it.
      isRecording = isNewVersion;
      state.setCode(code, isNewVersion);
      storeCode(code);
      sendNow();
    },
  };
}

function createEditor(parentElement, data) {
  const state = {
    view: null, version: null, isReplacing: false,
    sendCode: () => {}, requestRender: () => {},
    getCode: () => state.view.state.doc.toString(),
    setCode: (code, isUndoable) =>
      state.replaceSilently({
        changes: { from: 0, to: state.view.state.doc.length, insert: code },
        annotations: Transaction.addToHistory.of(isUndoable),
      }),
    // Changes the text without sending it.
    replaceSilently: (change) => {
      state.isReplacing = true;
      state.view.dispatch({ ...change, filter: false });
      state.isReplacing = false;
    },
  };
  const actions = createActions(state);
  state.commit = actions.render;
  state.sliders = new LiteralSliders(state);
  const root = parentElement.querySelector(".editor");
  root.replaceChildren();
  state.view = new EditorView({
    parent: root,
    root: parentElement.getRootNode(),
    state: EditorState.create({ doc: data.code, extensions: createExtensions(state, actions) }),
  });
  state.controls = createVersionControls(parentElement.querySelector(".editor-controls"), {
    getCode: state.getCode,
    replaceCode: actions.replaceCode,
    undo: () => actions.undo(state.view),
    redo: () => actions.redo(state.view),
  });
  root.addEventListener("keydown", (event) => event.stopPropagation()); // Not the page's keys.
  root.editor = state; // For tests.
  followChangeEvents(state.view);
  const storedCode = readCode();
  if (data.canRestore && storedCode !== null && storedCode !== data.code)
    state.restoredCode = storedCode;
  void loadCompletionTable(data.completionsUrl);
  return state;
}

// Takes over what Python has sent; a new version means that Python replaced the text.
function updateCode(state, data) {
  if (state.version !== data.version) {
    const isFirst = state.version === null;
    state.version = data.version;
    const code = state.restoredCode ?? data.code;
    if (code !== state.getCode()) state.setCode(code, !isFirst);
    state.controls.record(code);
    if (state.restoredCode) state.sendCode(state.restoredCode);
    state.restoredCode = null;
  } else if (data.canRestore && state.getCode() !== data.code) {
    state.sendCode(state.getCode()); // The server was started again and has lost the code.
  }
}

export function renderEditor({ parentElement, data, setStateValue, setTriggerValue }) {
  const state = (parentElement.earshotEditor ??= createEditor(parentElement, data));
  let sentCode = data.code;
  state.sendCode = (code) => {
    if (code !== sentCode) setStateValue("code", (sentCode = code));
  };
  state.requestRender = (code, words) => setTriggerValue("render", { code, words });
  updateCode(state, data);
  if (state.getCode() !== data.code) return; // What Python knows is about older code.
  showProblem(state.view, data.problem);
  state.sliders.show(data.sliderUrl, data.code);
}
