// Plays all clips equally loud. The server measures a clip's loudness when it is played first
// (clip_http_routes.py); a gain node then raises or lowers it. audio_player.py puts this file after
// audio_player.js.

const MATCHING_KEY = "earshot:loudness-matching";
const GAIN_RAMP_S = 0.03; // A gain that jumps would click.
const SUSPEND_AFTER_MS = 5000; // An idle audio context keeps a processor awake.

function readMatching() {
  try {
    return localStorage.getItem(MATCHING_KEY) !== "off";
  } catch {
    return true; // The browser refuses storage.
  }
}

function createLoudnessMatching(state) {
  state.matching = { isOn: readMatching(), gain: null, context: null, loudnesses: new Map() };
  state.audio.addEventListener("play", () => applyLoudness(state));
  state.audio.addEventListener("pause", () => {
    setTimeout(() => state.audio.paused && state.matching.context?.suspend(), SUSPEND_AFTER_MS);
  });
  document.addEventListener("pointerover", ({ target }) => {
    const player = target.closest?.(PLAYER);
    if (player && state.matching.isOn) void loadLoudness(state, player.dataset.src);
  });
}

function setLoudnessMatching(state, isOn) {
  state.matching.isOn = isOn;
  try {
    localStorage.setItem(MATCHING_KEY, isOn ? "on" : "off");
  } catch {
    // The choice then holds for this page only.
  }
  applyLoudness(state);
}

// Returns a clip's {lufs, gain}, or null if the server cannot measure it. Each clip is asked for once.
function loadLoudness(state, source) {
  const { loudnesses } = state.matching;
  if (!loudnesses.has(source)) {
    const { pathname } = new URL(source, location);
    const request = fetch(pathname.replace("/sound/", "/sound/loudness/"))
      .then((response) => (response.ok ? response.json() : null))
      .catch(() => null)
      .then((loudness) => {
        if (!loudness) loudnesses.delete(source);
        return loudness;
      });
    loudnesses.set(source, request);
  }
  return loudnesses.get(source);
}

// The audio element's sound passes a gain node from the first matched clip on.
function connectGain(state) {
  const { matching } = state;
  if (!matching.gain && window.AudioContext) {
    matching.context = new AudioContext();
    matching.gain = matching.context.createGain();
    matching.context.createMediaElementSource(state.audio).connect(matching.gain);
    matching.gain.connect(matching.context.destination);
  }
  if (matching.context?.state === "suspended") matching.context.resume();
}

// Sets the gain of the clip that plays.
async function applyLoudness(state) {
  const { matching, source } = state;
  if (!source || state.audio.paused) return;
  if (matching.isOn || matching.gain) connectGain(state);
  const loudness = matching.isOn ? await loadLoudness(state, source) : null;
  if (state.source !== source) return;
  state.loudness = loudness;
  const gain = matching.isOn ? (loudness?.gain ?? 1) : 1;
  matching.gain?.gain.setTargetAtTime(gain, matching.context.currentTime, GAIN_RAMP_S / 3);
  state.audio.dispatchEvent(new Event("loudnesschange"));
}

// Returns the loudness and its correction in words: "−23.8 LUFS, +3.8 dB".
function formatLoudness(state) {
  const { matching, loudness } = state;
  if (!matching.isOn) return "loudness as rendered";
  if (!loudness) return "measuring the loudness …";
  const format = (value) => value.toFixed(1).replace("-", "−");
  const decibels = 20 * Math.log10(loudness.gain);
  return `${format(loudness.lufs)} LUFS, ${decibels < 0 ? "" : "+"}${format(decibels)} dB`;
}
