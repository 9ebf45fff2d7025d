// An editor for Sonic Pi code: a transparent textarea above the same text in colours. It sends the
// text to Python when the user pauses, or at once on Ctrl+Enter.

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

function createEditor(parentElement) {
  const root = parentElement.querySelector(".editor");
  const area = root.querySelector("textarea");
  const highlighted = root.querySelector("pre");
  const state = { area, version: null, timer: null, sendCode: () => {} };
  let isLeaving = false; // Escape was pressed: Tab then leaves the editor.

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
    state.sendCode(area.value);
  };
  const sendLater = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.sendCode(area.value), DEBOUNCE_MS);
  };
  // Inserts text as if it were typed, so that undo removes it.
  const insertText = (text) => document.execCommand("insertText", false, text);
  const insertNewLine = () => {
    const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
    const indent = /\bdo(\s*\|[^|]*\|)?\s*$/.test(line) ? "  " : "";
    insertText(`\n${line.match(/^\s*/)[0]}${indent}`);
  };

  area.addEventListener("input", () => {
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
    } else if (event.key === "Tab" && !event.shiftKey && !isLeaving) {
      event.preventDefault();
      insertText("  ");
    } else if (event.key === "Enter") {
      event.preventDefault();
      insertNewLine();
    }
    isLeaving = event.key === "Escape";
  });
  return state;
}

export default function ({ parentElement, data, setStateValue }) {
  const state = (parentElement.earshotEditor ??= createEditor(parentElement));
  let sentCode = data.code;
  state.area.parentElement.style.height = `${data.height}px`;
  state.sendCode = (code) => {
    if (code !== sentCode) setStateValue("code", (sentCode = code));
  };
  // A new version means that Python replaced the text.
  if (state.version !== data.version) {
    state.version = data.version;
    if (state.area.value !== data.code) state.area.value = data.code;
    state.draw();
  }
}
