// One sound at a time, the space bar, a waveform that shows and sets where a clip is, and
// clips that start because something else was clicked. It listens on the document, so players
// may come and go.

const PATIENCE_MS = 8000;

const box = (element) => element.closest?.('[class*="st-key-clip"]');

function show(audio) {
  const part = audio.duration ? audio.currentTime / audio.duration : 0;
  box(audio)?.querySelector(".waveform")?.style.setProperty("--played", part);
}

function follow(audio) {
  show(audio);
  if (!audio.paused && audio.isConnected) requestAnimationFrame(() => follow(audio));
}

function play(audio) {
  // A browser that wants a click first says no: then the player is there to be clicked.
  audio.play().catch(() => {});
}

function seek(picture, x) {
  const audio = box(picture)?.querySelector("audio");
  if (!audio) return;
  const { left, width } = picture.getBoundingClientRect();
  const part = Math.min(1, Math.max(0, (x - left) / width));
  const start = () => {
    audio.currentTime = part * audio.duration;
    play(audio);
  };
  if (audio.readyState > 0) start();
  else {
    audio.addEventListener("loadedmetadata", start, { once: true });
    audio.load();
  }
}

function listen(state) {
  // Media events don't bubble; a capturing listener hears them all the same.
  document.addEventListener("play", (event) => {
    state.last = event.target;
    for (const other of document.querySelectorAll("audio")) {
      if (other !== state.last) other.pause();
    }
    follow(state.last);
  }, true);
  for (const name of ["seeking", "ended", "pause"]) {
    document.addEventListener(name, (event) => show(event.target), true);
  }
  document.addEventListener("click", (event) => {
    const picture = event.target.closest?.(".waveform");
    if (picture) seek(picture, event.clientX);
  });
  document.addEventListener("keydown", (event) => {
    if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey) return;
    // Where a space means something already, it keeps that meaning.
    const busy = "input, textarea, select, button, audio, summary, a, [contenteditable], [role]";
    if (event.target !== document.body && event.target.closest?.(busy)) return;
    const audio = state.last?.isConnected ? state.last : document.querySelector("audio");
    if (!audio) return;
    event.preventDefault();
    if (audio.paused) play(audio);
    else audio.pause();
  });
}

// The player may not be drawn yet.
function startSoon(key, since) {
  const audio = document.querySelector(`.st-key-${CSS.escape(key)} audio`);
  if (audio) play(audio);
  else if (performance.now() - since < PATIENCE_MS) setTimeout(() => startSoon(key, since), 50);
}

export default function ({ data }) {
  if (!window.earshotSound) {
    window.earshotSound = { last: null, turn: null };
    listen(window.earshotSound);
  }
  if (data?.turn && data.turn !== window.earshotSound.turn) {
    window.earshotSound.turn = data.turn;
    startSoon(data.clip, performance.now());
  }
}
