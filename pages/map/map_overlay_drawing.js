// Draws over the map what changes often: marks of the selected program, a lasso's selection, a
// snippet's position and labels of clusters. A chart that changes is sent and drawn as a whole, which
// takes long for 27,000 points; this overlay is not part of it.

const MARK_COLOUR = "#dd3a80";
const LABEL_FONT = '600 11px "Source Sans", sans-serif';
const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const PANELS = ["before", "after"];

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
  drawToolbar(chart, state);
  state.placedLabels = drawLabels(chart, state.showsLabels ? state.data.labels : []);
  drawMarks(chart, state.rows, state.data.snippet);
  drawPathAndGap(chart, state.data);
  drawMorph(chart, state);
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
  fillPointShape(context, x, y, radius, trace.marker.symbol === "diamond");
}

function fillPointShape(context, x, y, radius, isDiamond) {
  context.beginPath();
  if (isDiamond) {
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

const measuringContext = document.createElement("canvas").getContext("2d");

// Returns the width of a label's text in pixels. Which font is used depends on the machine.
function measureTextWidth(text) {
  measuringContext.font = LABEL_FONT;
  return measuringContext.measureText(text).width;
}

// Draws the labels of clusters, largest first. A label that would overlap another is left out, so
// zooming in shows more of them. Returns panel, text and position of those that are shown.
function drawLabels(chart, labels) {
  const layer = getSvgLayer(chart, "earshot-labels");
  const { color, backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  layer.style.font = LABEL_FONT;
  layer.style.fill = color;
  layer.style.stroke = backgroundColor;
  const placed = [];
  const toolbar = chart.querySelector(":scope > .earshot-tools");
  const obstacles = toolbar ? [measureBoxInChart(chart, toolbar)] : [];
  const shown = new Set(); // A name stands once in each panel.
  for (const label of labels) {
    for (const panel of PANELS) {
      const position = toPanelPixel(chart, panel, label[panel]);
      if (!position || shown.has(panel + label.text)) continue;
      const halfWidth = measureTextWidth(label.text) / 2 + 4;
      const pixel = [keepInPanel(chart, panel, position[0], halfWidth), position[1]];
      const box = {
        left: pixel[0] - halfWidth,
        right: pixel[0] + halfWidth,
        top: pixel[1] - 10,
        bottom: pixel[1] + 10,
      };
      if ([...obstacles, ...placed].some((other) => doBoxesOverlap(box, other))) continue;
      placed.push({ ...box, pixel, text: label.text, panel });
      shown.add(panel + label.text);
    }
  }
  if (hasChanged(layer, placed.map(({ pixel, text }) => [text, pixel.map(Math.round)]))) {
    layer.replaceChildren();
    for (const { pixel, text } of placed) {
      addSvgElement(
        layer, "text", { x: pixel[0], y: pixel[1] + 4, "text-anchor": "middle" }, text);
    }
  }
  return placed.map(({ panel, text, pixel: [x, y] }) => {
    const [xAxis, yAxis] = getPanelAxes(chart, panel);
    return { panel, text, x: xAxis.p2l(x - xAxis._offset), y: yAxis.p2l(y - yAxis._offset) };
  });
}

// Returns the x position nearest to `x` at which a label of this half width is whole.
function keepInPanel(chart, panel, x, halfWidth) {
  const [axis] = getPanelAxes(chart, panel);
  const low = axis._offset + halfWidth;
  const high = axis._offset + axis._length - halfWidth;
  return low > high ? x : Math.min(Math.max(x, low), high);
}

// Returns the box of an element, in pixels of the chart.
function measureBoxInChart(chart, element) {
  const { left, top } = chart.getBoundingClientRect();
  const box = element.getBoundingClientRect();
  return {
    left: box.left - left, right: box.right - left, top: box.top - top, bottom: box.bottom - top,
  };
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
    addToolButton(
      toolbar, state, "isMorphed", "animation", "Morph: move the points from before to after");
  }
  const { backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  toolbar.style.setProperty("--ground", backgroundColor);
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
    if (property === "isMorphed" && state.morph?.isPaused) resumeMorph(state);
    else state[property] = !state[property];
    draw(findChart(), state);
  });
  toolbar.appendChild(button);
}
