// Cards of a program's versions, their keys, a small map and the tree of choices. Versions play
// through AuditionEngine (audition_engine.js, which Python puts before this file).

const TYPING = "input, textarea, select, [contenteditable]";
const STATUS_TEXT = { loading: "rendering …", ready: "", off: "not rendered" };

const makeElement = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

function createAudition(root) {
  const audition = { root, data: null, focused: 0, drawnRound: null, sendAction: () => {} };
  audition.comparisons = new Map(); // By URL: {verdict, gain}, {error} or {isLoading}.
  root.audition = audition; // For tests.
  const engine = (audition.engine = new AuditionEngine(() => updateAudition(audition)));
  audition.handleKey = (event) => handleAuditionKey(audition, event);
  // In the capture phase of the window: Streamlit itself runs the page again on "r".
  window.addEventListener("keydown", audition.handleKey, true);
  audition.handleOtherPlayer = (event) => {
    if (event.target.id === "earshot-audio") engine.stop(); // One sound at a time.
  };
  document.addEventListener("play", audition.handleOtherPlayer, true);
  // The slider of a literal shows on the map where its prediction lies.
  audition.handlePrediction = ({ detail }) => {
    audition.star = detail?.place ?? null;
    drawStar(audition);
  };
  window.addEventListener("earshot-prediction", audition.handlePrediction);
  for (const [name, getNumber] of [
    ["pointerover", (event) => Number(event.target.closest("[data-number]")?.dataset.number)],
    ["pointerleave", () => NaN],
  ]) {
    root.addEventListener(name, (event) => {
      audition.hovered = getNumber(event);
      announceChange(audition);
    });
  }
  root.addEventListener("click", (event) => handleAuditionClick(audition, event));
  // Keeps Enter for taking a version: a clicked card does not get the focus.
  root.addEventListener("mousedown", (event) => {
    if (event.target.closest(".card")) event.preventDefault();
  });
  return audition;
}

function destroyAudition(audition) {
  audition.engine.stop();
  audition.engine.context?.close();
  window.removeEventListener("keydown", audition.handleKey, true);
  document.removeEventListener("play", audition.handleOtherPlayer, true);
  window.removeEventListener("earshot-prediction", audition.handlePrediction);
}

// Tells the editor which change to mark: that of the card under the pointer, or of the selected one.
function announceChange(audition) {
  const isHovered = !Number.isNaN(audition.hovered ?? NaN);
  const version = findVersion(audition, isHovered ? audition.hovered : audition.focused);
  const isSelected = version?.number === audition.focused;
  const name = `${audition.data.round} ${version?.number} ${isSelected}`;
  if (audition.announced === name) return;
  audition.announced = name;
  const { program } = audition.data;
  const detail = { program, changes: version?.changes ?? [], isSelected };
  window.dispatchEvent(new CustomEvent("earshot-change", { detail }));
}

const findVersion = (audition, number) =>
  audition.data.versions.find((version) => version.number === number);

function playVersion(audition, number, isImmediate) {
  const version = findVersion(audition, number);
  if (!version) return;
  audition.focused = number;
  if (audition.engine.isPlayable(version)) {
    document.getElementById("earshot-audio")?.pause();
    audition.engine.play(version, isImmediate);
  }
  updateAudition(audition);
}

// Plays the next version (step 1) or the previous one (step -1), as its number would.
function stepVersion(audition, step, isImmediate) {
  const { versions } = audition.data;
  const next = versions[versions.findIndex(({ number }) => number === audition.focused) + step];
  if (!next) return;
  playVersion(audition, next.number, isImmediate);
  audition.root.querySelector(`.card[data-number="${next.number}"]`)
    ?.scrollIntoView({ block: "nearest" });
}

function togglePlayback(audition) {
  if (audition.engine.voice) audition.engine.stop();
  else playVersion(audition, audition.focused, true);
}

function runAction(audition, name, choice = null) {
  const version = findVersion(audition, audition.focused);
  if (!audition.data.actions.includes(name)) return;
  if (["take", "more"].includes(name) && !version?.number) return; // Version 0 is the current one.
  const key = ["take", "more"].includes(name) ? version.key : null;
  audition.sendAction({ name, key, choice, count: (audition.count = (audition.count ?? 0) + 1) });
  audition.root.classList.add("busy");
}

const ARROW_STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
const ACTION_KEYS = { Enter: "take", m: "more", d: "different", r: "render", u: "undo" };

function handleAuditionKey(audition, event) {
  if (event.ctrlKey || event.altKey || event.metaKey || !audition.root.isConnected) return;
  const target = event.composedPath()[0];
  if (target.closest?.(TYPING) || document.querySelector('[role="dialog"]')) return;
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
  // Buttons that a click has focused: keys are meant for the versions, not for them.
  const isClickedButton =
    window.earshotPlayer?.isFocusByPointer && target.closest?.("button, a, summary");
  const isButton = !isClickedButton && target.closest?.("button, a, summary, [role]:not(main)");
  if (digit !== undefined && findVersion(audition, Number(digit))) {
    document.activeElement?.blur?.(); // Enter takes the version, whatever was clicked before.
    if (!event.repeat) playVersion(audition, Number(digit), event.shiftKey);
  } else if (ARROW_STEPS[event.key] && !isButton) {
    stepVersion(audition, ARROW_STEPS[event.key], event.shiftKey);
  } else if (event.code === "Space" && !isButton) {
    if (isClickedButton) isClickedButton.blur(); // Otherwise releasing the key would click it.
    togglePlayback(audition);
  }
  else if (event.shiftKey || (event.key === "Enter" && isButton)) return;
  else if (ACTION_KEYS[event.key]) {
    if (!event.repeat) runAction(audition, ACTION_KEYS[event.key]);
  } else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

function handleAuditionClick(audition, event) {
  const action = event.target.closest("[data-action]");
  const card = event.target.closest("[data-number]");
  if (action) {
    if (card) audition.focused = Number(card.dataset.number);
    if (action.dataset.action === "toggle") togglePlayback(audition);
    else runAction(audition, action.dataset.action, Number(action.dataset.choice));
  } else if (card) {
    const number = Number(card.dataset.number);
    const isPlaying = audition.engine.voice?.version.number === number && !audition.engine.pending;
    if (isPlaying) audition.engine.stop();
    else playVersion(audition, number, event.shiftKey);
  }
}

// -- drawing ----------------------------------------------------------------------------------

function makeButton(action, key, label, choice) {
  const button = makeElement("button", "action");
  button.type = "button";
  button.dataset.action = action;
  if (choice !== undefined) button.dataset.choice = choice;
  if (key) button.append(makeElement("kbd", "", key), " ");
  button.append(label);
  return button;
}

function makeCard(version, allowedActions) {
  const card = makeElement("div", "card");
  card.dataset.number = version.number;
  const head = makeElement("button", "head");
  head.type = "button";
  head.title = "Play at the next bar line; with Shift at once";
  head.append(
    makeElement("kbd", "", String(version.number)),
    makeElement("span", "title", version.title),
  );
  // Its width is kept free, so that nothing moves when the comparison arrives.
  if (version.comparisonUrl) head.append(makeElement("span", "verdict"));
  head.append(makeElement("span", "status"));
  card.append(head);
  const description = [version.forecast, version.note].filter(Boolean).join("; ");
  if (description) card.append(makeElement("div", "forecast", description));
  if (version.before || version.after) {
    const diff = makeElement("div", "diff");
    diff.append(makeElement("span", "line", `line ${version.line}`));
    for (const kind of ["before", "after"]) {
      if (!version[kind]) continue;
      const code = makeElement("code", kind, version[kind]);
      code.tabIndex = 0; // Long code scrolls, also by keys.
      diff.append(code);
    }
    card.append(diff);
  }
  const actions = [["take", "Enter", "Take"], ["more", "m", "More like this"]]
    .filter(([name]) => version.number && allowedActions.includes(name));
  if (actions.length) {
    const row = makeElement("div", "actions");
    row.append(...actions.map((action) => makeButton(...action)));
    card.append(row);
  }
  return card;
}

function makeMap(data) {
  const size = 100;
  const place = (value) => (size / 2) * (1 + 0.92 * value);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "Map of all candidates by predicted sound");
  const add = (tag, attributes, text) => {
    const element = document.createElementNS(svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    svg.append(element);
    return element;
  };
  for (const [x, y] of data.points) add("circle", { cx: place(x), cy: place(-y), r: 0.9 });
  for (const { number, place: position } of data.versions) {
    if (!position) continue;
    const [x, y] = [place(position[0]), place(-position[1])];
    const group = add("g", { "data-number": number, class: "pick" });
    group.append(
      add("circle", { cx: x, cy: y, r: 4 }),
      add("text", { x, y: y + 2, "text-anchor": "middle" }, number),
    );
  }
  return svg;
}

function drawStar(audition) {
  const svg = audition.root.querySelector("svg");
  if (!svg) return;
  svg.querySelector(".star")?.remove();
  if (!audition.star) return;
  const [x, y] = audition.star.map((value) => Math.min(1, Math.max(-1, value)));
  const star = document.createElementNS(svg.namespaceURI, "text");
  for (const [name, value] of Object.entries({
    class: "star", x: 50 * (1 + 0.92 * x), y: 50 * (1 - 0.92 * y) + 4, "text-anchor": "middle",
  })) star.setAttribute(name, value);
  star.textContent = "★";
  svg.append(star);
}

function makeTree(data) {
  const tree = makeElement("div", "tree");
  tree.append(makeElement("div", "label", "Your choices"));
  for (const choice of data.tree) {
    const button = makeButton("go", "", choice.words, choice.id);
    button.classList.toggle("current", choice.isCurrent);
    button.style.marginLeft = `${Math.min(choice.depth, 8) * 14}px`;
    if (choice.isCurrent) button.setAttribute("aria-current", "true");
    tree.append(button);
  }
  return tree;
}

function drawAudition(audition) {
  const { root, data } = audition;
  const bar = makeElement("div", "bar");
  bar.append(makeButton("toggle", "Space", "Play"));
  const labels = { different: ["d", "Different ones"], render: ["r", "Render the edited code"],
    undo: ["u", "Undo"] };
  for (const [name, [key, label]] of Object.entries(labels)) {
    if (!data.actions.includes(name)) continue;
    const button = makeButton(name, key, label);
    if (name === "render") button.classList.toggle("urgent", data.isEdited);
    bar.append(button);
  }
  bar.append(makeElement("span", "hint", data.hint));
  const cards = makeElement("div", "cards");
  cards.append(...data.versions.map((version) => makeCard(version, data.actions)));
  const side = makeElement("div", "side");
  if (data.points.length > 2) side.append(makeMap(data));
  if (data.tree.length > 1) side.append(makeTree(data));
  const body = makeElement("div", "body");
  body.append(cards);
  if (side.children.length) body.append(side);
  root.replaceChildren(bar, body);
  drawStar(audition);
}

// -- comparison with a target ----------------------------------------------------------------

// Asks whether a version is truly nearer to the target, once both clips have arrived.
async function compareVersion(audition, version) {
  const url = version.comparisonUrl;
  const [current] = audition.data.versions;
  const { comparisons, engine } = audition;
  if (!url || comparisons.has(url) || ![version, current].every((v) => engine.isPlayable(v))) return;
  comparisons.set(url, { isLoading: true });
  let entry;
  try {
    const response = await fetch(url);
    entry = response.ok ? await response.json() : { error: response.statusText };
  } catch (error) {
    entry = { error: error.message };
  }
  comparisons.set(url, entry);
  updateAudition(audition);
}

// Returns the number of the version that is truly nearest; null until all are compared.
function findNearestVersion(audition) {
  const { data, engine, comparisons } = audition;
  let [nearest, highestGain] = [0, 0];
  for (const version of data.versions) {
    if (!version.comparisonUrl) return null;
    if (engine.buffers.get(version.clip)?.error) continue;
    const comparison = comparisons.get(version.comparisonUrl);
    if (!comparison || comparison.isLoading) return null;
    if (comparison.error && !version.number) return null; // Nothing was compared with it.
    if (comparison.gain > highestGain) [nearest, highestGain] = [version.number, comparison.gain];
  }
  return engine.isPlayable(data.versions[0]) ? nearest : null;
}

function updateVerdicts(audition) {
  const { root, data, comparisons } = audition;
  for (const version of data.versions) compareVersion(audition, version);
  const nearest = findNearestVersion(audition);
  for (const card of root.querySelectorAll(".card")) {
    const element = card.querySelector(".verdict");
    if (!element) continue;
    const number = Number(card.dataset.number);
    const comparison = comparisons.get(findVersion(audition, number).comparisonUrl);
    const isNearest = number === nearest;
    card.classList.toggle("nearest", isNearest);
    element.textContent = isNearest ? "nearest" : number ? comparison?.verdict ?? "" : "";
    element.title = comparison?.error ?? "By its true sound, compared with the target";
  }
}

function updateAudition(audition) {
  const { root, engine, data } = audition;
  if (!data) return;
  const playing = engine.voice?.version.number;
  const next = engine.pending?.voice.version.number;
  root.dataset.playing = playing ?? "";
  root.dataset.pending = next ?? "";
  for (const element of root.querySelectorAll("[data-number]")) {
    const number = Number(element.dataset.number);
    const version = findVersion(audition, number);
    const entry = engine.buffers.get(version?.clip);
    const status = !version?.url ? "off" : entry?.error ? "failed"
      : entry?.buffer ? "ready" : "loading";
    element.classList.toggle("playing", number === playing);
    element.classList.toggle("pending", number === next);
    element.classList.toggle("focused", number === audition.focused);
    element.dataset.status = status;
    const text = element.querySelector(".status");
    if (!text) continue;
    text.textContent = number === next ? "next bar" : number === playing ? "playing"
      : status === "failed" ? entry.error : STATUS_TEXT[status];
  }
  updateVerdicts(audition);
  announceChange(audition);
  const toggle = root.querySelector('[data-action="toggle"]');
  if (toggle) toggle.lastChild.textContent = engine.voice ? "Stop" : "Play";
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".audition");
  const audition = (parentElement.earshotAudition ??= createAudition(root));
  audition.sendAction = (action) => setTriggerValue("action", action);
  audition.data = data;
  if (audition.drawnRound !== data.round) {
    audition.drawnRound = data.round;
    for (const [url, { error }] of audition.comparisons) if (error) audition.comparisons.delete(url);
    const playing = audition.engine.voice?.version.clip;
    for (const version of data.versions) audition.engine.renameVoice(version);
    const kept = data.versions.find((version) => version.clip === playing);
    audition.focused = kept?.number ?? 0;
    // What plays is on no card any more: go on with the current version once it is there.
    if (playing && !kept) audition.engine.stop();
    root.classList.remove("busy");
    drawAudition(audition);
    for (const version of data.versions) audition.engine.load(version);
  }
  updateAudition(audition);
  return () => {
    // A rerun may remove the component for a moment; a moved root has left the page.
    setTimeout(() => {
      if (root.isConnected) return;
      destroyAudition(audition);
      parentElement.earshotAudition = undefined;
    }, 500);
  };
}
