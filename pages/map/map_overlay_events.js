// Handles clicks and lassos on the map, and draws its overlay again when the chart or the data change.

const REDRAW_INTERVAL_MS = 200;
const MAX_CLICK_DISTANCE_PX = 12; // From a click to the nearest point.
const MAX_CLICK_MOVEMENT_PX = 5; // Of the pointer during a click.
const MAX_CLICK_PATH_LENGTH = 12; // Pointer positions during a click.
const MAX_STACKED_WIDTH_PX = 640; // Narrower windows show one picture above the other.
const EMPTY_DATA = {
  rows: [], selection: null, labels: [], snippet: null, total: 0, half: 0, path: null, gap: null,
  isChoosingPlace: false, isChoosingPath: false,
};

// -- the pointer ------------------------------------------------------------------------------

function handlePointerDown(state, event) {
  state.path = null;
  const chart = findChart();
  if (!chart?._fullLayout?.xaxis?.l2p || event.button !== 0) return;
  if (!event.target.closest?.(".nsewdrag, .earshot-lasso.active")) return;
  const pixel = toChartPixel(chart, event);
  if (!chart.contains(event.target) || !findPanelAxis(chart, pixel)) return;
  state.path = [pixel];
}

function handlePointerMove(state, event) {
  if (!state.path || !state.isLassoActive) return;
  const chart = findChart();
  if (!chart) return;
  state.path.push(toChartPixel(chart, event));
  const layer = getSvgLayer(chart, "earshot-lasso");
  layer.replaceChildren();
  addSvgElement(layer, "path", {
    d: `M${state.path.map((pixel) => pixel.join(" ")).join("L")}z`,
  });
}

function handlePointerUp(state, event) {
  const { path } = state;
  const chart = findChart();
  state.path = null;
  if (!path || !chart) return;
  const [x, y] = toChartPixel(chart, event);
  const movement = Math.hypot(x - path[0][0], y - path[0][1]);
  if (movement < MAX_CLICK_MOVEMENT_PX && path.length < MAX_CLICK_PATH_LENGTH) {
    if (state.data.isChoosingPlace) state.sendValue("place", readPlace(chart, [x, y]));
    else pickNearestPoint(chart, state, [x, y]);
  } else if (state.isLassoActive) {
    selectInLasso(chart, state, path);
  }
  getSvgLayer(chart, "earshot-lasso").replaceChildren();
}

// Selects the point nearest to a click. Plotly's own click event needs an earlier hover, which a
// quick click does not allow for.
function pickNearestPoint(chart, state, [clickX, clickY]) {
  let nearestDistance = MAX_CLICK_DISTANCE_PX ** 2;
  let nearestRow = null;
  forEachPoint(chart, (row, x, y) => {
    const distance = (x - clickX) ** 2 + (y - clickY) ** 2;
    if (distance < nearestDistance) [nearestDistance, nearestRow] = [distance, row];
  });
  if (nearestRow === null) return;
  const { half, isChoosingPath } = state.data;
  // Marked at once; Python sends the same rows a moment later.
  const rows = half ? [nearestRow % half, (nearestRow % half) + half] : [nearestRow];
  if (!isChoosingPath) state.rows = rows;
  draw(chart, state);
  state.sendValue("pick", nearestRow);
}

// Selects the points inside a lasso, in the panel in which it began.
function selectInLasso(chart, state, path) {
  const panelAxis = findPanelAxis(chart, path[0]);
  const rows = [];
  forEachPoint(chart, (row, x, y, trace) => {
    if (getTraceAxes(chart, trace)[0] === panelAxis && isInPolygon(path, x, y)) rows.push(row);
  });
  if (rows.length) state.sendValue("lasso", encodeBitmask(rows, state.data.total));
}

// -- the view, for an image of it ----------------------------------------------------------------

// Returns what the chart shows now: the range of each axis, the groups that the legend hides, the
// labels, and how far the points have moved while they morph.
function readView(chart, state) {
  const ranges = {};
  for (const panel of PANELS) {
    ranges[panel] = getPanelAxes(chart, panel).map((axis) => [...axis.range]);
  }
  const hidden = chart._fullData
    .filter((trace) => trace.visible === "legendonly")
    .map((trace) => trace.legendgroup);
  return {
    ranges,
    hidden: [...new Set(hidden)],
    labels: state.placedLabels,
    morphShare: state.morph ? easeMorphShare(computeMorphShare(state.morph)) : null,
  };
}

// Sends the view when the controls that make an image of it are used.
function handleExportClick(state, event) {
  const chart = findChart();
  if (!chart?._fullLayout?.xaxis?.l2p) return;
  if (!event.target.closest?.('[class*="st-key-export-figure-"]')) return;
  pauseMorph(state); // The image shows this moment.
  const view = readView(chart, state);
  const text = JSON.stringify(view);
  if (state.sentView === text) return;
  state.sentView = text;
  state.sendValue("view", view);
}

// -- one state per tab ------------------------------------------------------------------------

function createState() {
  const state = {
    data: EMPTY_DATA,
    rows: [], // Points of the marked program.
    isLassoActive: false,
    reportedLayout: null, // What Python was told last and has not drawn yet: "yes" or "no".
    showsLabels: true,
    placedLabels: [], // Panel, text and position, in the chart's units, of the labels drawn.
    sentView: null, // What `readView` returned when it was sent last, as JSON.
    isMorphed: false, // Whether the points move to their positions after alignment, or are there.
    morph: null, // The animation, as map_morph_animation.js keeps it.
    path: null, // Pointer positions since the button was pressed.
    sendValue: () => {},
  };
  document.addEventListener("pointerdown", (event) => handlePointerDown(state, event), true);
  document.addEventListener("pointermove", (event) => handlePointerMove(state, event), true);
  document.addEventListener("click", (event) => handleExportClick(state, event), true);
  document.addEventListener("pointerup", (event) => handlePointerUp(state, event), true);
  // A chart appears some time after its data. Each new colour and theme replaces it and with it the
  // layers. Looking at it at intervals costs next to nothing.
  setInterval(() => attachChart(state), REDRAW_INTERVAL_MS);
  return state;
}

// Tells Python once when the window has become narrow or wide.
function reportLayout(state, chart) {
  const { yaxis, yaxis2 } = chart._fullLayout;
  const isStacked = !!yaxis2 && Math.abs(yaxis2._offset - yaxis._offset) > 1;
  const shouldStack = window.innerWidth <= MAX_STACKED_WIDTH_PX;
  const wanted = shouldStack ? "yes" : "no";
  if (isStacked === shouldStack) state.reportedLayout = null;
  else if (state.reportedLayout !== wanted) {
    state.reportedLayout = wanted;
    state.sendValue("stacked", wanted);
  }
}

function attachChart(state) {
  const chart = findChart();
  if (!chart?._fullData || !chart.on || !chart._fullLayout?.xaxis?.l2p) return;
  reportLayout(state, chart);
  if (chart.earshotEvents !== chart._ev) {
    chart.earshotEvents = chart._ev;
    for (const name of ["plotly_relayouting", "plotly_afterplot", "plotly_restyle"]) {
      chart.on(name, () => draw(chart, state));
    }
  }
  draw(chart, state);
}

export default function ({ data, setTriggerValue }) {
  const state = (window.earshotMap ??= createState());
  state.data = { ...EMPTY_DATA, ...data };
  state.rows = state.data.rows;
  state.sendValue = (name, value) => setTriggerValue(name, value);
  attachChart(state);
}
