// The one sound of a tab. Players are markup (player.py) that says which clip they are of; a
// single audio element plays the clip of one of them, so no two can sound. All listening is done
// on the document: players come and go with every run of the page.

const LOOK_MS = 50;
const GONE_MS = 1500; // a rerun may take a player away for a moment; a page switch for good
const PLAYER = ".player, .player-small";
// Where keys mean something already: arrows nothing on what is only pressed.
const FIELDS = "input, textarea, select, [contenteditable]";
const BUSY = {
  Space: `${FIELDS}, button, summary, a, [role]`,
  Arrow: `${FIELDS}, [role]:not([role="group"], [role="img"])`,
};

const players = () => [...document.querySelectorAll(PLAYER)];
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function make() {
  const audio = document.createElement("audio");
  audio.id = "earshot-audio";
  audio.preload = "auto";
  document.body.appendChild(audio); // attached, so that it can be found and looked at
  // `rest`: what is still to be heard of a row of clips, one after the other.
  return { audio, player: null, source: null, loop: false, turn: 0, missing: 0, rest: [], part: 0 };
}

// A player that was drawn anew is known by its clip.
function current(state) {
  if (!state.player?.isConnected) {
    const key = state.player?.dataset.clip;
    const same = players().filter((each) => each.dataset.src === state.source);
    state.player = same.find((each) => each.dataset.clip === key) ?? same[0] ?? null;
  }
  return state.player;
}

const byClip = (key) => document.querySelector(`.player[data-clip="${CSS.escape(key)}"]`);

function paint(state) {
  const here = current(state);
  for (const player of players()) {
    const mine = player === here;
    const seconds = Number(player.dataset.seconds);
    const at = mine ? state.audio.currentTime : 0;
    const sounding = mine && !state.audio.paused;
    put(player.querySelector(".play span"), sounding ? "pause" : "play_arrow");
    player.classList.toggle("current", mine);
    if (player.matches(".player-small")) continue; // a button is all of it
    put(player.querySelector(".time"), `${clock(at)} / ${clock(seconds)}`);
    player.querySelector(".waveform").style.setProperty("--played", seconds ? Math.min(1, at / seconds) : 0);
    player.querySelector(".loop").setAttribute("aria-pressed", String(state.loop));
  }
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function play(state, player, from = null) {
  if (!player) return;
  if (state.source !== player.dataset.src) {
    state.source = player.dataset.src;
    state.audio.src = state.source;
  }
  state.player = player;
  state.audio.loop = state.loop && !state.rest.length; // a short clip of a row ends, too
  if (from !== null) state.audio.currentTime = from;
  // A browser that wants a click first says no: then the player is there to be clicked.
  state.audio.play().catch(() => {});
}

// Play clips one after the other, so many seconds of each.
function playRow(state, button) {
  const keys = button.dataset.clips.split(" ");
  state.rest = keys.map(byClip).filter(Boolean);
  state.part = Number(button.dataset.part);
  play(state, state.rest.shift(), 0);
}

// Whether the clip that sounds was heard long enough; then the next of its row comes.
function goOn(state) {
  const over = state.audio.ended || state.audio.currentTime >= state.part;
  if (!state.rest.length || !over) return;
  const next = state.rest.shift();
  play(state, next.isConnected ? next : byClip(next.dataset.clip), 0); // it may have been drawn anew
}

function toggle(state, player) {
  state.rest = [];
  if (player === current(state) && !state.audio.paused) state.audio.pause();
  else play(state, player);
}

function walk(state, step) {
  state.rest = [];
  const all = players();
  const here = all.indexOf(current(state));
  const next = all[here < 0 ? 0 : here + step];
  if (!next) return;
  play(state, next, 0);
  next.scrollIntoView({ block: "nearest" });
}

function clicked(state, event) {
  const row = event.target.closest?.(".row-of-clips");
  if (row) playRow(state, row);
  const player = event.target.closest?.(PLAYER);
  if (!player) return;
  if (event.target.closest(".play")) toggle(state, player);
  else if (event.target.closest(".next")) {
    state.player = player;
    walk(state, 1);
  } else if (event.target.closest(".loop")) {
    state.loop = !state.loop;
    state.audio.loop = state.loop;
  } else if (event.target.closest(".waveform")) {
    const { left, width } = event.target.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - left) / width));
    state.rest = [];
    play(state, player, part * Number(player.dataset.seconds));
  }
  paint(state);
}

function pressed(state, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (event.code !== "Space" && !step) return;
  const target = event.composedPath()[0];
  const inPlayer = target.closest?.(PLAYER);
  const busy = step ? BUSY.Arrow : BUSY.Space;
  if (!inPlayer && target !== document.body && target.closest?.(busy)) return;
  if (event.code === "Space") {
    if (inPlayer && target.closest("button")) return; // the button's own click
    if (!players().length) return;
    event.preventDefault();
    toggle(state, current(state) ?? players()[0]);
  } else if (current(state)) {
    event.preventDefault();
    walk(state, step);
  }
}

function watch(state) {
  document.addEventListener("click", (event) => clicked(state, event));
  document.addEventListener("keydown", (event) => pressed(state, event));
  const frame = () => {
    goOn(state);
    paint(state);
    if (!state.audio.paused) requestAnimationFrame(frame);
  };
  state.audio.addEventListener("play", frame);
  for (const name of ["pause", "seeked", "ended", "loadedmetadata"]) {
    state.audio.addEventListener(name, () => paint(state));
  }
  state.audio.addEventListener("ended", () => goOn(state));
  // What is drawn anew says again where its clip is; what is gone falls silent. A look at a few
  // dozen elements, which costs less than being told of every change of the page.
  setInterval(() => {
    startMarked(state);
    if (!state.source) return;
    goOn(state); // frames rest in a tab that is not seen
    if (current(state)) state.missing = 0;
    else if ((state.missing += LOOK_MS) >= GONE_MS && !state.audio.paused) state.audio.pause();
    paint(state);
  }, LOOK_MS);
}

// What a click elsewhere asked to hear is marked with the number of that click, and starts once.
function startMarked(state) {
  for (const marked of document.querySelectorAll(`:is(${PLAYER}, .row-of-clips)[data-start]`)) {
    if (Number(marked.dataset.start) <= state.turn) continue;
    state.turn = Number(marked.dataset.start);
    state.rest = [];
    if (marked.matches(PLAYER)) play(state, marked, 0);
    else playRow(state, marked);
  }
}

export default function () {
  if (!window.earshotSound) {
    window.earshotSound = make();
    watch(window.earshotSound);
  }
  startMarked(window.earshotSound);
  paint(window.earshotSound);
}
