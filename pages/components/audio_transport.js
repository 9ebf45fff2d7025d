// The transport: a bar at the bottom of every page that shows what plays, with stop, volume, loudness
// matching, loop and next. Also one sound at a time across tabs: a tab that starts to play stops the
// others. audio_player.py puts audio_player.js and loudness_matching.js before this file.

const VOLUME_KEY = "earshot:volume";
const TRANSPORT_HTML =
  '<button type="button" class="transport-stop" aria-label="Stop sound" title="Stop">' +
  '<span aria-hidden="true">stop</span></button><span class="transport-text"><span class="transport-title"></span>' +
  '<span class="transport-level"></span></span>' +
  '<button type="button" class="transport-matching" aria-label="Match loudness"' +
  ' title="Play all clips equally loud, at −20 LUFS"><span aria-hidden="true">balance</span></button>' +
  '<button type="button" class="transport-loop" aria-label="Loop sound" title="Loop">' +
  '<span aria-hidden="true">repeat</span></button>' +
  '<button type="button" class="transport-next" aria-label="Next sound" title="Next (arrow down)">' +
  '<span aria-hidden="true">skip_next</span></button>' +
  '<input type="range" min="0" max="1" step="0.05" aria-label="Volume" title="Volume">';

function readVolume() {
  try {
    const volume = Number.parseFloat(localStorage.getItem(VOLUME_KEY) ?? "1");
    return volume >= 0 && volume <= 1 ? volume : 1;
  } catch {
    return 1; // The browser refuses storage.
  }
}

function storeVolume(volume) {
  try {
    localStorage.setItem(VOLUME_KEY, String(volume));
  } catch {
    // The volume then holds for this page only.
  }
}

function stopPlayback(state) {
  state.queue = [];
  state.audio.pause();
  state.audio.currentTime = 0;
}

// Stops the sound of other tabs when this one starts to play, and the reverse.
function keepOneTabPlaying(state) {
  if (!window.BroadcastChannel) return;
  const channel = new BroadcastChannel("earshot-playback");
  state.audio.addEventListener("play", () => channel.postMessage("play"));
  channel.addEventListener("message", () => {
    state.queue = [];
    state.audio.pause();
  });
}

function updateTransport(state, bar) {
  bar.hidden = state.audio.paused;
  if (bar.hidden) return;
  const app = document.querySelector('[data-testid="stApp"]');
  const { color, backgroundColor } = getComputedStyle(app ?? document.body);
  Object.assign(bar.style, { color, backgroundColor });
  const label = state.player?.getAttribute("aria-label") ?? "";
  setText(bar.querySelector(".transport-title"), label.replace(/^Clip of /, ""));
  bar.querySelector(".transport-loop").setAttribute("aria-pressed", String(state.loop));
  bar.querySelector(".transport-matching").setAttribute("aria-pressed", String(state.matching.isOn));
  const volume = `volume ${Math.round(100 * state.audio.volume)} %`;
  setText(bar.querySelector(".transport-level"), `${formatLoudness(state)} · ${volume}`);
}

function createTransport(state) {
  const bar = document.createElement("div");
  bar.id = "earshot-transport";
  bar.hidden = true;
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Sound that plays");
  bar.innerHTML = TRANSPORT_HTML;
  document.body.appendChild(bar);
  const volume = bar.querySelector("input");
  volume.value = state.audio.volume = readVolume();
  volume.addEventListener("input", () => {
    state.audio.volume = Number(volume.value);
    storeVolume(volume.value);
    updateTransport(state, bar);
  });
  bar.querySelector(".transport-matching").addEventListener("click", () => {
    setLoudnessMatching(state, !state.matching.isOn);
    updateTransport(state, bar);
  });
  bar.querySelector(".transport-stop").addEventListener("click", () => stopPlayback(state));
  bar.querySelector(".transport-next").addEventListener("click", () => stepPlayer(state, 1));
  bar.querySelector(".transport-loop").addEventListener("click", () => {
    state.loop = !state.loop;
    state.audio.loop = state.loop;
    updateTransport(state, bar);
    updatePlayers(state);
  });
  for (const name of ["play", "pause", "ended", "loadedmetadata", "loudnesschange"])
    state.audio.addEventListener(name, () => updateTransport(state, bar));
  keepOneTabPlaying(state);
}
