// Where the points of the map's chart are on the screen, and sets of points as bit masks.

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
  for (const panel of ["before", "after"]) {
    const [xAxis, yAxis] = getPanelAxes(chart, panel);
    if (xAxis && isOnAxis(xAxis, x) && isOnAxis(yAxis, y)) return xAxis;
  }
  return undefined;
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
