// Keys of the stage view: digits play a prediction, F fills the screen, Esc leaves. Space and the arrow
// keys are those of every page (audio_player.js).

const STAGE_TYPING = "input, textarea, select, [contenteditable]";
const OPEN_EDITOR_PANELS = ".cm-tooltip-autocomplete, .cm-panel.cm-search";

function fillScreen() {
  // Refused without a recent click or key.
  document.documentElement.requestFullscreen?.().catch(() => {});
}

function leaveStage(stage) {
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  stage.sendLeave();
}

function handleStageKey(stage, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const target = event.composedPath()[0];
  if (event.key === "Escape") {
    // In the editor, Esc first closes its list or its search.
    const panels = target.getRootNode?.().querySelectorAll?.(OPEN_EDITOR_PANELS) ?? [];
    if (panels.length && target.closest?.(STAGE_TYPING)) return;
    leaveStage(stage);
  } else if (target.closest?.(STAGE_TYPING)) return;
  else if (/^[1-9]$/.test(event.key)) {
    const player = document.querySelectorAll(".st-key-stage-rows .player")[Number(event.key) - 1];
    if (!player) return;
    player.querySelector(".play").click();
    player.scrollIntoView({ block: "nearest" });
  } else if (event.key === "f" && !event.repeat) {
    stage.isSmallByKey = Boolean(document.fullscreenElement);
    if (stage.isSmallByKey) document.exitFullscreen().catch(() => {});
    else fillScreen();
  } else return;
  event.preventDefault();
  event.stopImmediatePropagation(); // Streamlit has keys of its own.
}

function createStage() {
  const stage = { sendLeave: () => {} };
  stage.handleKey = (event) => handleStageKey(stage, event);
  // In full screen, the browser keeps Esc for itself.
  stage.handleScreen = () => {
    if (!document.fullscreenElement && !stage.isSmallByKey) stage.sendLeave();
    stage.isSmallByKey = false;
  };
  document.addEventListener("fullscreenchange", stage.handleScreen);
  window.addEventListener("keydown", stage.handleKey, true);
  stage.handleClick = (event) => event.target.closest?.(".stage-leave") && leaveStage(stage);
  document.addEventListener("click", stage.handleClick);
  return stage;
}

export default function ({ parentElement, setTriggerValue }) {
  const isNew = !parentElement.earshotStage;
  const stage = (parentElement.earshotStage ??= createStage());
  stage.sendLeave = () => setTriggerValue("leave", true);
  if (isNew && navigator.userActivation?.isActive) fillScreen(); // Opened by its button.
  return () => {
    window.removeEventListener("keydown", stage.handleKey, true);
    document.removeEventListener("fullscreenchange", stage.handleScreen);
    document.removeEventListener("click", stage.handleClick);
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    parentElement.earshotStage = undefined;
  };
}
