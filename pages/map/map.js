// What lies over the map: what is picked, what a lasso caught, a snippet's place, and names of
// crowds; and the hand that picks. Drawn over the chart, since a figure that changes is sent whole
// and draws 27,000 points anew.

const COLOUR = "#dd3a80";
const EVERY_MS = 200;
const NEAR_PX = 12; // how far from a point a click may be
const STILL_PX = 5; // what a hand moves in a click
const SVG = "http://www.w3.org/2000/svg";
const NOTHING = { rows: [], caught: null, labels: [], snippet: null, total: 0 };

const theChart = () => document.querySelector('[class*="st-key-map-"] .js-plotly-plot');
const axes = (chart, trace) => [
  chart._fullLayout[`xaxis${trace.xaxis.slice(1)}`], chart._fullLayout[`yaxis${trace.yaxis.slice(1)}`],
];
const panelOf = (trace) => (trace.xaxis === "x" ? "before" : "after");

// -- where things are -------------------------------------------------------------------------

// Calls back with row, pixel and trace of every point that is to be seen.
function eachPoint(chart, call) {
  for (const trace of chart._fullData) {
    if (!trace.customdata || trace.visible !== true) continue;
    const [x, y] = axes(chart, trace);
    const [ax, bx] = line(x), [ay, by] = line(y);
    for (let i = 0; i < trace.x.length; i++) {
      const px = ax + bx * trace.x[i], py = ay + by * trace.y[i];
      if (px < x._offset || px > x._offset + x._length) continue;
      if (py < y._offset || py > y._offset + y._length) continue;
      call(trace.customdata[i], px, py, trace, i);
    }
  }
}

// A linear axis as offset and slope: pixel = offset + slope * value.
function line(axis) {
  const zero = axis._offset + axis.l2p(0);
  return [zero, axis._offset + axis.l2p(1) - zero];
}

function pixel(chart, panel, [vx, vy]) {
  const x = chart._fullLayout[panel === "before" ? "xaxis" : "xaxis2"];
  const y = chart._fullLayout[panel === "before" ? "yaxis" : "yaxis2"];
  const at = [x._offset + x.l2p(vx), y._offset + y.l2p(vy)];
  const inside = at[0] >= x._offset && at[0] <= x._offset + x._length
    && at[1] >= y._offset && at[1] <= y._offset + y._length;
  return inside ? at : null;
}

const bits = (text) => (text ? Uint8Array.from(atob(text), (each) => each.charCodeAt(0)) : null);
const isSet = (mask, row) => (mask[row >> 3] >> (row & 7)) & 1;

function packed(rows, total) {
  const mask = new Uint8Array((total + 7) >> 3);
  for (const row of rows) mask[row >> 3] |= 1 << (row & 7);
  let text = "";
  for (const byte of mask) text += String.fromCharCode(byte);
  return btoa(text);
}

// -- drawing ----------------------------------------------------------------------------------

function layer(chart, name, make) {
  let found = chart.querySelector(`:scope > .${name}`);
  if (!found) {
    found = make();
    found.classList.add(name);
    chart.style.position = "relative";
    chart.appendChild(found);
  }
  return found;
}

const svg = (chart, name) => layer(chart, name, () => document.createElementNS(SVG, "svg"));

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
}

function draw(chart, state) {
  drawCaught(chart, state.said.caught);
  drawLabels(chart, state.labels ? state.said.labels : []);
  drawMarks(chart, state.rows, state.said.snippet);
  tools(chart, state);
}

// A ring around the picked code, a diamond around its sound, a line between, in both pictures.
function drawMarks(chart, rows, snippet) {
  const marks = svg(chart, "earshot-marks");
  const { backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  marks.style.setProperty("--ground", backgroundColor);
  const near = new Set(snippet?.near ?? []);
  const found = {};
  if (rows.length || near.size) {
    eachPoint(chart, (row, x, y, trace) => {
      if (rows.includes(row) || near.has(row)) ((found[panelOf(trace)] ??= {})[row] = [x, y]);
    });
  }
  const middle = {};
  for (const panel of ["before", "after"]) {
    if (snippet?.[panel]) middle[panel] = pixel(chart, panel, snippet[panel]);
  }
  const seen = JSON.stringify([found, middle, rows]);
  if (marks.dataset.seen === seen) return;
  marks.dataset.seen = seen;
  marks.replaceChildren();
  for (const panel of Object.values(found)) {
    const [code, audio] = rows.map((row) => panel[row]);
    const outline = { fill: "none", stroke: COLOUR, "stroke-width": 3 };
    if (code && audio) connect(marks, code, audio);
    if (code) add(marks, "circle", { cx: code[0], cy: code[1], r: 9, ...outline });
    if (audio) {
      const [x, y] = audio;
      add(marks, "path", { d: `M${x - 11} ${y}l11 -11l11 11l-11 11z`, ...outline });
    }
  }
  for (const [panel, at] of Object.entries(middle)) {
    if (!at) continue;
    for (const row of near) if (found[panel]?.[row]) connect(marks, at, found[panel][row]);
    add(marks, "path", {
      d: star(at), fill: COLOUR, stroke: "#fff", "stroke-width": 1.5, class: "snippet",
    });
  }
}

function connect(parent, [x1, y1], [x2, y2]) {
  add(parent, "line", {
    x1, y1, x2, y2, stroke: COLOUR, "stroke-width": 1.2, "stroke-dasharray": "4 4",
  });
}

function star([x, y]) {
  const points = [];
  for (let i = 0; i < 10; i++) {
    const turn = (Math.PI * i) / 5 - Math.PI / 2, far = i % 2 ? 5 : 12;
    points.push(`${(x + far * Math.cos(turn)).toFixed(1)} ${(y + far * Math.sin(turn)).toFixed(1)}`);
  }
  return `M${points.join("L")}z`;
}

// What a lasso caught keeps its colours, in both pictures; all else stays there, in grey.
function drawCaught(chart, caught) {
  const canvas = layer(chart, "earshot-caught", () => document.createElement("canvas"));
  chart.classList.toggle("earshot-dim", !!caught);
  const { width, height } = chart._fullLayout;
  const places = chart._fullLayout;
  const seen = JSON.stringify([
    caught, width, height, places.xaxis.range, places.yaxis.range, places.xaxis2?.range,
    places.yaxis2?.range, chart._fullData.map((trace) => [trace.name, trace.visible]),
  ]);
  if (canvas.dataset.seen === seen) return;
  canvas.dataset.seen = seen;
  const scale = window.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  if (!caught) return;
  const mask = bits(caught);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  eachPoint(chart, (row, x, y, trace, i) => {
    if (!isSet(mask, row)) return;
    const half = trace.marker.size / 2 + 0.5;
    pen.fillStyle = colourOf(chart, trace.marker.color, i);
    pen.beginPath();
    if (trace.marker.symbol === "diamond") {
      const far = half * 1.3;
      pen.moveTo(x - far, y);
      pen.lineTo(x, y - far);
      pen.lineTo(x + far, y);
      pen.lineTo(x, y + far);
    } else pen.arc(x, y, half, 0, 7);
    pen.fill();
  });
}

function colourOf(chart, colour, index) {
  if (typeof colour === "string") return colour;
  const { cmin, cmax, colorscale } = chart._fullLayout.coloraxis;
  const at = ((colour[index] - cmin) / (cmax - cmin)) * (colorscale.length - 1);
  const low = Math.min(Math.floor(at), colorscale.length - 2);
  const mix = (k) => {
    const [a, b] = [colorscale[low][1], colorscale[low + 1][1]].map((hex) => parseInt(hex.slice(k, k + 2), 16));
    return Math.round(a + (b - a) * (at - low));
  };
  return `rgb(${mix(1)},${mix(3)},${mix(5)})`;
}

// Names of crowds, largest first, as many as fit: so more of them as one comes nearer.
function drawLabels(chart, labels) {
  const texts = svg(chart, "earshot-labels");
  const { color, backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  texts.style.fill = color;
  texts.style.stroke = backgroundColor;
  const placed = [];
  for (const each of labels) {
    for (const panel of ["before", "after"]) {
      const at = pixel(chart, panel, each[panel]);
      if (!at) continue;
      const half = each.text.length * 3 + 4;
      const box = { left: at[0] - half, right: at[0] + half, top: at[1] - 10, bottom: at[1] + 10 };
      const free = placed.every((other) =>
        box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom);
      if (free) placed.push({ ...box, at, text: each.text });
    }
  }
  const seen = JSON.stringify(placed.map(({ at, text }) => [text, at.map(Math.round)]));
  if (texts.dataset.seen === seen) return;
  texts.dataset.seen = seen;
  texts.replaceChildren();
  for (const { at, text } of placed) {
    add(texts, "text", { x: at[0], y: at[1] + 4, "text-anchor": "middle" }, text);
  }
}

// -- the hand ---------------------------------------------------------------------------------

function tools(chart, state) {
  const bar = layer(chart, "earshot-tools", () => document.createElement("div"));
  if (!bar.children.length) {
    const button = (name, sign, title, press) => {
      const made = document.createElement("button");
      made.type = "button";
      made.dataset.tool = name;
      made.title = title;
      made.setAttribute("aria-label", title);
      made.innerHTML = `<span aria-hidden="true">${sign}</span>`;
      made.addEventListener("click", () => { press(); draw(theChart(), state); });
      bar.appendChild(made);
    };
    button("lasso", "lasso_select", "Lasso: draw around points to choose them", () => (state.lasso = !state.lasso));
    button("labels", "label", "Names of crowds", () => (state.labels = !state.labels));
  }
  for (const each of bar.children) {
    each.setAttribute("aria-pressed", String(state[each.dataset.tool]));
  }
  catcher(chart, state);
}

// While the lasso is out, a pane over the pictures takes the hand, so that plotly doesn't pan.
function catcher(chart, state) {
  const pane = svg(chart, "earshot-lasso");
  pane.classList.toggle("out", state.lasso);
}

function where(chart, event) {
  const box = chart.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function inPicture(chart, [x, y]) {
  const { xaxis, xaxis2, yaxis } = chart._fullLayout;
  return y >= yaxis._offset && y <= yaxis._offset + yaxis._length && [xaxis, xaxis2].find(
    (axis) => axis && x >= axis._offset && x <= axis._offset + axis._length);
}

function down(state, event) {
  state.path = null;
  const chart = theChart();
  if (!chart?._fullLayout?.xaxis?.l2p || event.button !== 0) return;
  if (!event.target.closest?.(".nsewdrag, .earshot-lasso.out")) return;
  const at = where(chart, event);
  if (!chart.contains(event.target) || !inPicture(chart, at)) return;
  state.path = [at];
}

function moved(state, event) {
  if (!state.path || !state.lasso) return;
  const chart = theChart();
  if (!chart) return;
  state.path.push(where(chart, event));
  const pane = svg(chart, "earshot-lasso");
  pane.replaceChildren();
  add(pane, "path", { d: `M${state.path.map((p) => p.join(" ")).join("L")}z` });
}

function up(state, event) {
  const { path } = state;
  const chart = theChart();
  state.path = null;
  if (!path || !chart) return;
  const at = where(chart, event);
  if (Math.hypot(at[0] - path[0][0], at[1] - path[0][1]) < STILL_PX && path.length < 12) {
    pick(chart, state, at);
  } else if (state.lasso) {
    catchAll(chart, state, path);
  }
  svg(chart, "earshot-lasso").replaceChildren();
}

// The point nearest to a click. Plotly's own click wants a hover to have been noticed before,
// which a quick hand leaves no time for: then the first click did nothing.
function pick(chart, state, [cx, cy]) {
  let best = NEAR_PX ** 2, found = null;
  eachPoint(chart, (row, x, y) => {
    const far = (x - cx) ** 2 + (y - cy) ** 2;
    if (far < best) [best, found] = [far, row];
  });
  if (found === null) return;
  const { half } = state.said;
  state.rows = half ? [found % half, (found % half) + half] : [found]; // at once; Python says it again
  draw(chart, state);
  state.tell("pick", found);
}

function catchAll(chart, state, path) {
  const panel = inPicture(chart, path[0]);
  const rows = [];
  eachPoint(chart, (row, x, y, trace) => {
    if (axes(chart, trace)[0] === panel && within(path, x, y)) rows.push(row);
  });
  if (rows.length) state.tell("lasso", packed(rows, state.said.total));
}

function within(path, x, y) {
  let inside = false;
  for (let i = 0, j = path.length - 1; i < path.length; j = i++) {
    const [xi, yi] = path[i], [xj, yj] = path[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

// -- one of all this a tab --------------------------------------------------------------------

function begin() {
  const state = {
    said: NOTHING, rows: [], lasso: false, labels: true, path: null, tell: () => {}, chart: null,
  };
  document.addEventListener("pointerdown", (event) => down(state, event), true);
  document.addEventListener("pointermove", (event) => moved(state, event), true);
  document.addEventListener("pointerup", (event) => up(state, event), true);
  // A chart is drawn some time after its data came, anew with every colouring and theme, and then
  // has lost what was added to it: so it is looked at again and again, which costs next to nothing.
  setInterval(() => look(state), EVERY_MS);
  return state;
}

function look(state) {
  const chart = theChart();
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
  const state = (window.earshotMap ??= begin());
  state.said = { ...NOTHING, ...data };
  state.rows = state.said.rows;
  state.tell = (name, value) => setTriggerValue(name, value);
  look(state);
}
