// A field for Sonic Pi code: a textarea above the same text in colours. It tells Python what is
// written once the writer rests for a moment, or at once on Ctrl+Enter.

const REST_MS = 600;
const WORDS =
  "alias and begin break case class def defined do else elsif end ensure false for if in loop module next nil not or redo rescue return self then true undef unless until when while yield";
const SAID =
  "live_loop in_thread with_fx use_synth with_synth use_bpm with_bpm use_random_seed with_random_seed use_synth_defaults play play_chord play_pattern play_pattern_timed synth sample sleep sync cue set get at density define stop wait control tick look chord scale ring knit bools spread line range rrand rrand_i rand rand_i choose dice one_in puts print use_transpose with_transpose use_octave";
const KEYWORDS = new Set(WORDS.split(" "));
const SONIC_PI = new Set(SAID.split(" "));
const TOKEN =
  /(?<comment>#.*)|(?<string>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(?<symbol>:[A-Za-z_]\w*[?!]?)|(?<option>[A-Za-z_]\w*:(?!:))|(?<number>-?\b\d[\d_]*(?:\.\d+)?(?:e-?\d+)?\b)|(?<word>[A-Za-z_]\w*[?!]?)/g;

function coloured(code) {
  const parts = document.createDocumentFragment();
  let at = 0;
  for (const found of code.matchAll(TOKEN)) {
    let kind = Object.keys(found.groups).find((name) => found.groups[name] !== undefined);
    if (kind === "word") {
      kind = KEYWORDS.has(found[0]) ? "keyword" : SONIC_PI.has(found[0]) ? "said" : null;
    }
    if (!kind) continue;
    parts.append(code.slice(at, found.index));
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = found[0];
    parts.append(span);
    at = found.index + found[0].length;
  }
  parts.append(`${code.slice(at)}\n`);
  return parts;
}

function made(parentElement) {
  const root = parentElement.querySelector(".editor");
  const area = root.querySelector("textarea");
  const below = root.querySelector("pre");
  const state = { area, below, turn: null, timer: null, tell: () => {}, ask: () => {} };
  const draw = () => {
    below.replaceChildren(coloured(area.value));
    follow();
  };
  const follow = () => {
    below.scrollTop = area.scrollTop;
    below.scrollLeft = area.scrollLeft;
  };
  const later = () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.tell(area.value), REST_MS);
  };
  const put = (text) => {
    // As if typed, so that undo takes it back.
    document.execCommand("insertText", false, text);
  };
  area.addEventListener("input", () => { draw(); later(); });
  area.addEventListener("scroll", follow);
  area.addEventListener("blur", () => { clearTimeout(state.timer); state.tell(area.value); });
  area.addEventListener("keydown", (event) => {
    event.stopPropagation(); // what is typed here is no shortcut of the page
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      clearTimeout(state.timer);
      state.tell(area.value);
    } else if (event.key === "Tab" && !event.shiftKey && !state.leaving) {
      event.preventDefault();
      put("  ");
    } else if (event.key === "Enter") {
      const line = area.value.slice(0, area.selectionStart).split("\n").at(-1);
      const deeper = /\bdo(\s*\|[^|]*\|)?\s*$/.test(line) ? "  " : "";
      event.preventDefault();
      put(`\n${line.match(/^\s*/)[0]}${deeper}`);
    }
    state.leaving = event.key === "Escape"; // then Tab leaves the field
  });
  state.draw = draw;
  return state;
}

export default function ({ parentElement, data, setStateValue }) {
  const state = (parentElement.earshotEditor ??= made(parentElement));
  let told = data.code;
  state.area.parentElement.style.height = `${data.height}px`;
  state.tell = (code) => {
    if (code !== told) setStateValue("code", (told = code));
  };
  if (state.turn !== data.turn) {
    state.turn = data.turn;
    if (state.area.value !== data.code) state.area.value = data.code;
    state.draw();
  }
}
