// Draws over the map what changes often: marks of the selected program, a lasso and its selection,
// a snippet's position and labels of clusters. Handles clicks and lassos, too. A chart that changes
// is sent and drawn as a whole, which takes long for 27,000 points; this overlay is not part of it.

const MARK_COLOUR = "#dd3a80";
const REDRAW_INTERVAL_MS = 200;
const MAX_CLICK_DISTANCE_PX = 12; // From a click to the nearest point.
const MAX_CLICK_MOVEMENT_PX = 5; // Of the pointer during a click.
const MAX_CLICK_PATH_LENGTH = 12; // Pointer positions during a click.
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const PANELS = ["before", "after"];
const EMPTY_DATA = { rows: [], selection: null, labels: [], snippet: null, total: 0, half: 0 };

const findChart = () => document.querySelector('[class*="st-key-map-"] .js-plotly-plot');
const getPanel = (trace) => (trace.xaxis === "x" ? "before" : "after");
const getTraceAxes = (chart, trace) => [
  chart._fullLayout[`xaxis${trace.xaxis.slice(1)}`],
  chart._fullLayout[`yaxis${trace.yaxis.slice(1)}`],
];
const getPanelAxes = (chart, panel) =>
  panel === "before"
    ? [chart._fullLayout.xaxis, chart._fullLayout.yaxis]
    : [chart._fullLayout.xaxis2, chart._fullLayout.yaxis2];
const isOnAxis = (axis, pixel) => pixel >= axis._offset && pixel <= axis._offset + axis._length;

// -- positions --------------------------------------------------------------------------------

// Calls back with row, pixel position, trace and index of every visible point.
function forEachPoint(chart, callback) {
  for (const trace of chart._fullData) {
    if (!trace.customdata || trace.visible !== true) continue;
    const [xAxis, yAxis] = getTraceAxes(chart, trace);
    const [xOffset, xScale] = getLinearScale(xAxis);
    const [yOffset, yScale] = getLinearScale(yAxis);
    for (let i = 0; i < trace.x.length; i++) {
      const x = xOffset + xScale * trace.x[i];
      const y = yOffset + yScale * trace.y[i];
      if (isOnAxis(xAxis, x) && isOnAxis(yAxis, y)) callback(trace.customdata[i], x, y, trace, i);
    }
  }
}

// Returns offset and scale of an axis: pixel = offset + scale * value.
function getLinearScale(axis) {
  const zero = axis._offset + axis.l2p(0);
  return [zero, axis._offset + axis.l2p(1) - zero];
}

// Returns the pixel position of a point of a panel; null outside the panel.
function toPanelPixel(chart, panel, [xValue, yValue]) {
  const [xAxis, yAxis] = getPanelAxes(chart, panel);
  const x = xAxis._offset + xAxis.l2p(xValue);
  const y = yAxis._offset + yAxis.l2p(yValue);
  return isOnAxis(xAxis, x) && isOnAxis(yAxis, y) ? [x, y] : null;
}

// Returns the position of a pointer event in pixels of the chart.
function toChartPixel(chart, event) {
  const box = chart.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// Returns the x axis of the panel at a pixel; undefined outside both panels.
function findPanelAxis(chart, [x, y]) {
  const { xaxis, xaxis2, yaxis } = chart._fullLayout;
  if (!isOnAxis(yaxis, y)) return undefined;
  return [xaxis, xaxis2].find((axis) => axis && isOnAxis(axis, x));
}

// -- bit masks: one bit per point, as map_overlay.py reads and writes them ---------------------

const decodeBitmask = (text) =>
  text ? Uint8Array.from(atob(text), (character) => character.charCodeAt(0)) : null;
const isBitSet = (mask, row) => (mask[row >> 3] >> (row & 7)) & 1;

function encodeBitmask(rows, total) {
  const mask = new Uint8Array((total + 7) >> 3);
  for (const row of rows) mask[row >> 3] |= 1 << (row & 7);
  let text = "";
  for (const byte of mask) text += String.fromCharCode(byte);
  return btoa(text);
}

// -- drawing ----------------------------------------------------------------------------------

// Returns the chart's layer of that name, and creates it if it does not exist.
function getLayer(chart, name, create) {
  let layer = chart.querySelector(`:scope > .${name}`);
  if (!layer) {
    layer = create();
    layer.classList.add(name);
    chart.style.position = "relative";
    chart.appendChild(layer);
  }
  return layer;
}

const getSvgLayer = (chart, name) =>
  getLayer(chart, name, () => document.createElementNS(SVG_NAMESPACE, "svg"));

function addSvgElement(parent, name, attributes, text) {
  const element = document.createElementNS(SVG_NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
}

// Returns whether a layer's content has changed since it was drawn last.
function hasChanged(layer, content) {
  const text = JSON.stringify(content);
  if (layer.dataset.content === text) return false;
  layer.dataset.content = text;
  return true;
}

function draw(chart, state) {
  drawSelection(chart, state.data.selection);
  drawLabels(chart, state.showsLabels ? state.data.labels : []);
  drawMarks(chart, state.rows, state.data.snippet);
  drawToolbar(chart, state);
}

// Draws a ring around the program's code, a diamond around its audio and a line between, in both
// panels; for a snippet a star, and lines to its neighbours.
function drawMarks(chart, rows, snippet) {
  const layer = getSvgLayer(chart, "earshot-marks");
  const { backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  layer.style.setProperty("--ground", backgroundColor);
  const neighbours = new Set(snippet?.neighbours ?? []);
  const pixels = {}; // By panel and row.
  if (rows.length || neighbours.size) {
    forEachPoint(chart, (row, x, y, trace) => {
      if (rows.includes(row) || neighbours.has(row))
        (pixels[getPanel(trace)] ??= {})[row] = [x, y];
    });
  }
  const snippetPixels = {};
  for (const panel of PANELS) {
    if (snippet?.[panel]) snippetPixels[panel] = toPanelPixel(chart, panel, snippet[panel]);
  }
  if (!hasChanged(layer, [pixels, snippetPixels, rows])) return;
  layer.replaceChildren();
  for (const panelPixels of Object.values(pixels)) drawProgramMark(layer, rows, panelPixels);
  for (const [panel, pixel] of Object.entries(snippetPixels)) {
    if (!pixel) continue;
    for (const row of neighbours) {
      if (pixels[panel]?.[row]) drawConnection(layer, pixel, pixels[panel][row]);
    }
    addSvgElement(layer, "path", {
      d: makeStarPath(pixel),
      fill: MARK_COLOUR,
      stroke: "#fff",
      "stroke-width": 1.5,
      class: "snippet",
    });
  }
}

function drawProgramMark(layer, rows, pixels) {
  const [code, audio] = rows.map((row) => pixels[row]);
  const outline = { fill: "none", stroke: MARK_COLOUR, "stroke-width": 3 };
  if (code && audio) drawConnection(layer, code, audio);
  if (code) addSvgElement(layer, "circle", { cx: code[0], cy: code[1], r: 9, ...outline });
  if (audio) {
    const [x, y] = audio;
    addSvgElement(layer, "path", { d: `M${x - 11} ${y}l11 -11l11 11l-11 11z`, ...outline });
  }
}

function drawConnection(parent, [x1, y1], [x2, y2]) {
  addSvgElement(parent, "line", {
    x1, y1, x2, y2, stroke: MARK_COLOUR, "stroke-width": 1.2, "stroke-dasharray": "4 4",
  });
}

function makeStarPath([x, y]) {
  const points = [];
  for (let i = 0; i < 10; i++) {
    const angle = (Math.PI * i) / 5 - Math.PI / 2;
    const radius = i % 2 ? 5 : 12;
    const pointX = x + radius * Math.cos(angle);
    const pointY = y + radius * Math.sin(angle);
    points.push(`${pointX.toFixed(1)} ${pointY.toFixed(1)}`);
  }
  return `M${points.join("L")}z`;
}

// Draws the selected points again above the chart, which turns grey.
function drawSelection(chart, selection) {
  const canvas = getLayer(chart, "earshot-selection", () => document.createElement("canvas"));
  chart.classList.toggle("earshot-dim", !!selection);
  const layout = chart._fullLayout;
  const { width, height } = layout;
  const axes = [layout.xaxis, layout.yaxis, layout.xaxis2, layout.yaxis2];
  const traces = chart._fullData.map((trace) => [trace.name, trace.visible]);
  const ranges = axes.map((axis) => axis?.range);
  if (!hasChanged(canvas, [selection, width, height, ranges, traces])) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  if (!selection) return;
  const mask = decodeBitmask(selection);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  forEachPoint(chart, (row, x, y, trace, i) => {
    if (isBitSet(mask, row)) drawPoint(context, chart, trace, x, y, i);
  });
}

function drawPoint(context, chart, trace, x, y, index) {
  const radius = trace.marker.size / 2 + 0.5;
  context.fillStyle = getPointColour(chart, trace.marker.color, index);
  context.beginPath();
  if (trace.marker.symbol === "diamond") {
    const diagonal = radius * 1.3;
    context.moveTo(x - diagonal, y);
    context.lineTo(x, y - diagonal);
    context.lineTo(x + diagonal, y);
    context.lineTo(x, y + diagonal);
  } else context.arc(x, y, radius, 0, 7);
  context.fill();
}

// Returns a trace's colour, or interpolates the chart's colour scale at a point's value.
function getPointColour(chart, colour, index) {
  if (typeof colour === "string") return colour;
  const { cmin, cmax, colorscale } = chart._fullLayout.coloraxis;
  const position = ((colour[index] - cmin) / (cmax - cmin)) * (colorscale.length - 1);
  const low = Math.min(Math.floor(position), colorscale.length - 2);
  const interpolate = (start) => {
    const [a, b] = [colorscale[low][1], colorscale[low + 1][1]].map((hex) =>
      parseInt(hex.slice(start, start + 2), 16));
    return Math.round(a + (b - a) * (position - low));
  };
  return `rgb(${interpolate(1)},${interpolate(3)},${interpolate(5)})`;
}

// Draws the labels of clusters, largest first. A label that would overlap another is left out, so
// zooming in shows more of them.
function drawLabels(chart, labels) {
  const layer = getSvgLayer(chart, "earshot-labels");
  const { color, backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  layer.style.fill = color;
  layer.style.stroke = backgroundColor;
  const placed = [];
  for (const label of labels) {
    for (const panel of PANELS) {
      const pixel = toPanelPixel(chart, panel, label[panel]);
      if (!pixel) continue;
      const halfWidth = label.text.length * 3 + 4;
      const box = {
        left: pixel[0] - halfWidth,
        right: pixel[0] + halfWidth,
        top: pixel[1] - 10,
        bottom: pixel[1] + 10,
      };
      if (!placed.some((other) => doBoxesOverlap(box, other)))
        placed.push({ ...box, pixel, text: label.text });
    }
  }
  if (!hasChanged(layer, placed.map(({ pixel, text }) => [text, pixel.map(Math.round)]))) return;
  layer.replaceChildren();
  for (const { pixel, text } of placed) {
    addSvgElement(
      layer, "text", { x: pixel[0], y: pixel[1] + 4, "text-anchor": "middle" }, text);
  }
}

function doBoxesOverlap(a, b) {
  return a.right >= b.left && a.left <= b.right && a.bottom >= b.top && a.top <= b.bottom;
}

function drawToolbar(chart, state) {
  const toolbar = getLayer(chart, "earshot-tools", () => document.createElement("div"));
  if (!toolbar.children.length) {
    addToolButton(
      toolbar, state, "isLassoActive", "lasso_select", "Lasso: draw around points to select them");
    addToolButton(toolbar, state, "showsLabels", "label", "Cluster labels");
  }
  for (const button of toolbar.children) {
    button.setAttribute("aria-pressed", String(state[button.dataset.property]));
  }
  // While the lasso is active, a pane over the chart takes the pointer, so that Plotly does not pan.
  getSvgLayer(chart, "earshot-lasso").classList.toggle("active", state.isLassoActive);
}

// Adds a button that toggles a property of the state.
function addToolButton(toolbar, state, property, icon, title) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.property = property;
  button.title = title;
  button.setAttribute("aria-label", title);
  button.innerHTML = `<span aria-hidden="true">${icon}</span>`;
  button.addEventListener("click", () => {
    state[property] = !state[property];
    draw(findChart(), state);
  });
  toolbar.appendChild(button);
}

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
    pickNearestPoint(chart, state, [x, y]);
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
  const { half } = state.data;
  // Marked at once; Python sends the same rows a moment later.
  state.rows = half ? [nearestRow % half, (nearestRow % half) + half] : [nearestRow];
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

// Ray casting: a point is inside if a ray from it crosses the outline an odd number of times.
function isInPolygon(path, x, y) {
  let isInside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [xi, yi] = path[i];
    const [xj, yj] = path[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) isInside = !isInside;
  }
  return isInside;
}

// -- one state per tab ------------------------------------------------------------------------

function createState() {
  const state = {
    data: EMPTY_DATA,
    rows: [], // Points of the marked program.
    isLassoActive: false,
    showsLabels: true,
    path: null, // Pointer positions since the button was pressed.
    sendValue: () => {},
  };
  document.addEventListener("pointerdown", (event) => handlePointerDown(state, event), true);
  document.addEventListener("pointermove", (event) => handlePointerMove(state, event), true);
  document.addEventListener("pointerup", (event) => handlePointerUp(state, event), true);
  // A chart appears some time after its data. Each new colour and theme replaces it and with it the
  // layers. Looking at it at intervals costs next to nothing.
  setInterval(() => attachChart(state), REDRAW_INTERVAL_MS);
  return state;
}

function attachChart(state) {
  const chart = findChart();
  if (!chart?._fullData || !chart.on || !chart._fullLayout?.xaxis?.l2p) return;
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
