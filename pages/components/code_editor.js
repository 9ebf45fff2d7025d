// An editor for Sonic Pi code: a transparent textarea above the same text in colours. It sends the
// text to Python when the user pauses, or at once on Ctrl+Enter. Python puts code_versions.js, which
// keeps the text in the browser, before this file.

const DEBOUNCE_MS = 600;
const RUBY_KEYWORDS = new Set(
  "alias and begin break case class def defined do else elsif end ensure false for if in loop module next nil not or redo rescue return self then true undef unless until when while yield".split(" "),
);
const SONIC_PI_FUNCTIONS = new Set(
  "live_loop in_thread with_fx use_synth with_synth use_bpm with_bpm use_random_seed with_random_seed use_synth_defaults play play_chord play_pattern play_pattern_timed synth sample sleep sync cue set get at density define stop wait control tick look chord scale ring knit bools spread line range rrand rrand_i rand rand_i choose dice one_in puts print use_transpose with_transpose use_octave".split(" "),
);
const TOKEN =
  /(?<comment>#.*)|(?<string>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(?<symbol>:[A-Za-z_]\w*[?!]?)|(?<option>[A-Za-z_]\w*:(?!:))|(?<number>-?\b\d[\d_]*(?:\.\d+)?(?:e-?\d+)?\b)|(?<word>[A-Za-z_]\w*[?!]?)/g;

// Returns the CSS class of a token; null for plain text.
function classifyToken(match) {
  const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
  if (kind !== "word") return kind;
  if (RUBY_KEYWORDS.has(match[0])) return "keyword";
  return SONIC_PI_FUNCTIONS.has(match[0]) ? "sonic-pi" : null;
}

function highlightCode(code) {
  const fragment = document.createDocumentFragment();
  let position = 0;
  for (const match of code.matchAll(TOKEN)) {
    const className = classifyToken(match);
    if (!className) continue;
    fragment.append(code.slice(position, match.index));
    const span = document.createElement("span");
    span.className = className;
    span.textContent = match[0];
    fragment.append(span);
    position = match.index + match[0].length;
  }
  fragment.append(`${code.slice(position)}\n`);
  return fragment;
}

function createEditor(parentElement, data) {
  const root = parentElement.querySelector(".editor");
  const area = root.querySelector("textarea");
  const highlighted = root.querySelector("pre");
  const state = { area, version: null, timer: null, sendCode: () => {} };
  let isLeaving = false; // Escape was pressed: Tab then leaves the editor.
  let isRecording = true; // False while undo shows an older version.

  const syncScroll = () => {
    highlighted.scrollTop = area.scrollTop;
    highlighted.scrollLeft = area.scrollLeft;
  };
  state.draw = () => {
    highlighted.replaceChildren(highlightCode(area.value));
    syncScroll();
  };
  const sendNow = () => {
    clearTimeout(state.timer);
    if (isRecording) controls.record(area.value);
    state.sendCode(area.value);
  };
  const sendLater = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(sendNow, DEBOUNCE_MS);
  };
  const replaceCode = (code, isNewVersion) => {
    if (isNewVersion) controls.record(area.value); // So that undo returns to it.
    area.value = code;
    isRecording = isNewVersion;
    storeCode(code);
    state.draw();
    sendNow();
  };
  const controls = createVersionControls(parentElement.querySelector(".editor-controls"), {
    getCode: () => area.value,
    replaceCode,
  });
  state.record = controls.record;
  // The browser's own undo ends at the last reload; the stored versions go on.
  const undoWithStoredVersions = (event) => {
    const stepSize = event.key.toLowerCase() === "y" || event.shiftKey ? 1 : -1;
    const before = area.value;
    setTimeout(() => area.value === before && controls.step(stepSize), 0);
  };
  // Inserts text as if it were typed, so that undo removes it.
  const insertText = (text) => document.execCommand("insertText", false, text);
  const insertNewLine = () => {
    const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
    const indent = /\bdo(\s*\|[^|]*\|)?\s*$/.test(line) ? "  " : "";
    insertText(`\n${line.match(/^\s*/)[0]}${indent}`);
  };

  area.addEventListener("input", () => {
    isRecording = true;
    storeCode(area.value);
    state.draw();
    sendLater();
  });
  area.addEventListener("scroll", syncScroll);
  area.addEventListener("blur", sendNow);
  area.addEventListener("keydown", (event) => {
    event.stopPropagation(); // Typing is not a shortcut of the page.
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      sendNow();
    } else if ((event.ctrlKey || event.metaKey) && /^[zy]$/i.test(event.key)) {
      undoWithStoredVersions(event);
    } else if (event.key === "Tab" && !event.shiftKey && !isLeaving) {
      event.preventDefault();
      insertText("  ");
    } else if (event.key === "Enter") {
      event.preventDefault();
      insertNewLine();
    }
    isLeaving = event.key === "Escape";
  });
  const storedCode = readCode();
  if (data.canRestore && storedCode !== null && storedCode !== data.code) {
    state.restoredCode = storedCode;
  }
  return state;
}

export default function ({ parentElement, data, setStateValue }) {
  const state = (parentElement.earshotEditor ??= createEditor(parentElement, data));
  let sentCode = data.code;
  state.area.parentElement.style.height = `${data.height}px`;
  state.sendCode = (code) => {
    if (code !== sentCode) setStateValue("code", (sentCode = code));
  };
  // A new version means that Python replaced the text.
  if (state.version !== data.version) {
    state.version = data.version;
    state.area.value = state.restoredCode ?? data.code;
    state.record(state.area.value);
    state.draw();
    if (state.restoredCode) state.sendCode(state.restoredCode);
    state.restoredCode = null;
  } else if (data.canRestore && state.area.value !== data.code) {
    state.sendCode(state.area.value); // The server was started again and has lost the code.
  }
}
