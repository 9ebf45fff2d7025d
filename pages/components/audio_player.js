// Plays the clips of a page. A player is only markup (audio_player.py) that names a clip. One audio
// element per tab plays them, so at most one clip plays at a time. All event listeners are on the
// document, because every run of a page may replace the players.

const POLL_INTERVAL_MS = 50;
// A rerun may remove a player for a moment; after this time the user has left the page.
const REMOVED_AFTER_MS = 1500;
const PLAYER = ".player, .play-button";
const PLAYLIST_BUTTON = ".playlist-button";
const PLAYBACK_STOP = ".playback-stop";
// Elements in which a key already has a meaning. Arrow keys mean nothing on a button.
const INPUT_SELECTOR = "input, textarea, select, [contenteditable]";
// Buttons that a click has focused: the next space is meant for the clip, not for them.
const BUTTON = "button, summary, a";
const KEY_EXCLUSIONS = {
  Space: `${INPUT_SELECTOR}, button, summary, a, [role]`,
  Arrow: `${INPUT_SELECTOR}, [role]:not([role="group"], [role="img"])`,
};

const findPlayers = () => [...document.querySelectorAll(PLAYER)];
const findPlayer = (key) =>
  document.querySelector(`.player[data-player-key="${CSS.escape(key)}"]`);
const formatTime = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function createState() {
  const audio = document.createElement("audio");
  audio.id = "earshot-audio";
  audio.preload = "auto";
  document.body.appendChild(audio); // Attached, so that tests can find it.
  return {
    audio,
    player: null, // The element whose clip is loaded.
    source: null, // The URL of that clip.
    loop: false,
    autoplayNumber: 0, // The last autoplay request that was fulfilled.
    missingMs: 0, // How long the current player has been missing from the page.
    queue: [], // Players whose clips follow in a playlist.
    secondsPerClip: 0,
    isFocusByPointer: false, // Whether a click, not Tab, has moved the focus last.
  };
}

// Returns the current player. If a rerun has replaced it, finds its successor by the clip's URL.
function findCurrentPlayer(state) {
  if (!state.player?.isConnected) {
    const key = state.player?.dataset.playerKey;
    const sameClip = findPlayers().filter((player) => player.dataset.src === state.source);
    state.player =
      sameClip.find((player) => player.dataset.playerKey === key) ?? sameClip[0] ?? null;
  }
  return state.player;
}

function updatePlayers(state) {
  const current = findCurrentPlayer(state);
  for (const player of findPlayers()) {
    const isCurrent = player === current;
    const duration = Number(player.dataset.seconds);
    const position = isCurrent ? state.audio.currentTime : 0;
    const isPlaying = isCurrent && !state.audio.paused;
    setText(player.querySelector(".play span"), isPlaying ? "pause" : "play_arrow");
    player.classList.toggle("current", isCurrent);
    if (player.matches(".play-button")) continue; // It has no time, waveform or loop.
    setText(player.querySelector(".time"), `${formatTime(position)} / ${formatTime(duration)}`);
    player.querySelector(".waveform").style.setProperty(
      "--played", duration ? Math.min(1, position / duration) : 0);
    player.querySelector(".loop").setAttribute("aria-pressed", String(state.loop));
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function play(state, player, startSeconds = null) {
  if (!player) return;
  if (state.source !== player.dataset.src) {
    state.source = player.dataset.src;
    state.audio.src = state.source;
    state.loudness = null; // Until the clip is measured (loudness_matching.js).
  }
  state.player = player;
  state.audio.loop = state.loop && !state.queue.length; // A looping clip would block a playlist.
  if (startSeconds !== null) state.audio.currentTime = startSeconds;
  // A browser refuses to play before the first click on the page; the user can press play then.
  state.audio.play().catch(() => {});
}

const findPlaylistPlayers = (button) => button.dataset.playerKeys.split(" ").map(findPlayer);

// Whether a playlist's players are there: while the page runs, they arrive after the button. One whose
// clip is missing never arrives.
function isPlaylistComplete(button) {
  const app = document.querySelector('[data-testid="stApp"]');
  return findPlaylistPlayers(button).every(Boolean) || app?.dataset.testScriptState === "notRunning";
}

function playPlaylist(state, button) {
  state.queue = findPlaylistPlayers(button).filter(Boolean);
  state.secondsPerClip = Number(button.dataset.secondsPerClip);
  play(state, state.queue.shift(), 0);
}

// Plays the playlist's next clip once the current one has played for long enough.
function advancePlaylist(state) {
  const isFinished = state.audio.ended || state.audio.currentTime >= state.secondsPerClip;
  if (!state.queue.length || !isFinished) return;
  const next = state.queue.shift();
  play(state, next.isConnected ? next : findPlayer(next.dataset.playerKey), 0);
}

function togglePlayback(state, player) {
  state.queue = [];
  if (player === findCurrentPlayer(state) && !state.audio.paused) state.audio.pause();
  else play(state, player);
}

// Plays the next player on the page (step 1) or the previous one (step -1).
function stepPlayer(state, step) {
  state.queue = [];
  const players = findPlayers();
  const index = players.indexOf(findCurrentPlayer(state));
  const next = players[index < 0 ? 0 : index + step];
  if (!next) return;
  // A keyboard user's focus follows the clip, so that space acts on it.
  if (document.activeElement?.closest(PLAYER)) next.querySelector(".play").focus();
  play(state, next, 0);
  next.scrollIntoView({ block: "nearest" });
}

function handleClick(state, event) {
  const playlistButton = event.target.closest?.(PLAYLIST_BUTTON);
  if (playlistButton) playPlaylist(state, playlistButton);
  const player = event.target.closest?.(PLAYER);
  if (!player) return;
  if (event.target.closest(".play")) togglePlayback(state, player);
  else if (event.target.closest(".next")) {
    state.player = player;
    stepPlayer(state, 1);
  } else if (event.target.closest(".loop")) {
    state.loop = !state.loop;
    state.audio.loop = state.loop;
  } else if (event.target.closest(".waveform")) {
    const { left, width } = event.target.getBoundingClientRect();
    const fraction = Math.min(1, Math.max(0, (event.clientX - left) / width));
    state.queue = [];
    play(state, player, fraction * Number(player.dataset.seconds));
  }
  updatePlayers(state);
}

function handleKey(state, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (event.code !== "Space" && !step) return;
  const target = event.composedPath()[0];
  const isInPlayer = target.closest?.(PLAYER);
  const isButtonBehind =
    state.isFocusByPointer && findCurrentPlayer(state) && target.closest?.(BUTTON);
  const exclusions = step ? KEY_EXCLUSIONS.Arrow : KEY_EXCLUSIONS.Space;
  if (!isInPlayer && !isButtonBehind && target !== document.body && target.closest?.(exclusions))
    return;
  if (event.code === "Space") {
    if (isButtonBehind) target.closest(BUTTON).blur(); // Otherwise releasing the key would click it.
    else if (isInPlayer && target.closest("button")) return; // Space clicks the button.
    if (!findPlayers().length) return;
    event.preventDefault();
    togglePlayback(state, findCurrentPlayer(state) ?? findPlayers()[0]);
  } else if (findCurrentPlayer(state)) {
    event.preventDefault();
    stepPlayer(state, step);
  }
}

// Plays or pauses the clip of the table's selected row. The table itself would open the cell.
function handleSpaceInTable(state, event) {
  const isInTable = event.target.closest?.('[data-testid="data-grid-canvas"]');
  if (event.code !== "Space" || !isInTable || !state.isFocusByPointer) return;
  if (!findCurrentPlayer(state)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  togglePlayback(state, findCurrentPlayer(state));
}

function registerListeners(state) {
  document.addEventListener("click", (event) => handleClick(state, event));
  document.addEventListener("keydown", (event) => handleKey(state, event));
  document.addEventListener("pointerdown", () => (state.isFocusByPointer = true), true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") state.isFocusByPointer = false;
    handleSpaceInTable(state, event);
  }, true);
  const drawFrame = () => {
    advancePlaylist(state);
    updatePlayers(state);
    if (!state.audio.paused) requestAnimationFrame(drawFrame);
  };
  state.audio.addEventListener("play", drawFrame);
  for (const name of ["pause", "seeked", "ended", "loadedmetadata"]) {
    state.audio.addEventListener(name, () => updatePlayers(state));
  }
  state.audio.addEventListener("ended", () => advancePlaylist(state));
  // Polling a few dozen elements costs less than observing every change of the page. It updates
  // players that a rerun has replaced, and stops a clip whose player is gone.
  setInterval(() => {
    startRequested(state);
    if (!state.source) return;
    advancePlaylist(state); // Animation frames pause in a hidden tab.
    if (findCurrentPlayer(state)) state.missingMs = 0;
    else if ((state.missingMs += POLL_INTERVAL_MS) >= REMOVED_AFTER_MS && !state.audio.paused)
      state.audio.pause();
    updatePlayers(state);
  }, POLL_INTERVAL_MS);
}

// Scrolls a block to the top unless it starts in the upper half of the window: it will grow.
function showBlock(block) {
  const top = block?.getBoundingClientRect().top ?? 0;
  if (top < 0 || top > window.innerHeight / 2) block.scrollIntoView({ block: "start" });
}

// Plays what the page requested. Each request has a number, so it is fulfilled only once.
function startRequested(state) {
  const selector = `:is(${PLAYER}, ${PLAYLIST_BUTTON}, ${PLAYBACK_STOP})[data-autoplay]`;
  for (const element of document.querySelectorAll(selector)) {
    const number = Number(element.dataset.autoplay);
    if (number <= state.autoplayNumber) continue;
    if (element.matches(PLAYLIST_BUTTON) && !isPlaylistComplete(element)) continue;
    state.autoplayNumber = number;
    state.queue = [];
    if (element.matches(PLAYBACK_STOP)) {
      state.audio.pause();
      showBlock(element.closest('[data-testid="stVerticalBlock"]'));
    } else if (element.matches(PLAYER)) play(state, element, 0);
    else playPlaylist(state, element);
  }
}

export default function () {
  if (!window.earshotPlayer) {
    window.earshotPlayer = createState();
    registerListeners(window.earshotPlayer);
    createLoudnessMatching(window.earshotPlayer);
    createTransport(window.earshotPlayer);
  }
  startRequested(window.earshotPlayer);
  updatePlayers(window.earshotPlayer);
}
