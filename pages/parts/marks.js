// Marks the picked program in the map: a ring around its code, a diamond around its sound, and a
// line between the two, in both pictures. Drawn over the chart, since a figure that changes is
// sent whole and forgets what the reader had chosen in it.

const COLOUR = "#dd3a80";
const EVERY_MS = 200;
const SVG = "http://www.w3.org/2000/svg";

function add(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.appendChild(element);
}

// Where the rows of a panel lie in pixels: {row: [x, y]}, by panel.
function places(chart, rows) {
  const found = {};
  for (const trace of chart._fullData) {
    if (!trace.customdata || trace.visible !== true) continue;
    const x = chart._fullLayout[`xaxis${trace.xaxis.slice(1)}`];
    const y = chart._fullLayout[`yaxis${trace.yaxis.slice(1)}`];
    for (const row of rows) {
      const index = trace.customdata.indexOf(row);
      if (index < 0) continue;
      const at = [x.l2p(trace.x[index]), y.l2p(trace.y[index])];
      const inside = at[0] >= 0 && at[0] <= x._length && at[1] >= 0 && at[1] <= y._length;
      if (!inside) continue;
      (found[trace.xaxis] ??= {})[row] = [x._offset + at[0], y._offset + at[1]];
    }
  }
  return found;
}

function draw(chart) {
  let layer = chart.querySelector(":scope > .earshot-marks");
  if (!layer) {
    layer = document.createElementNS(SVG, "svg");
    layer.setAttribute("class", "earshot-marks");
    layer.style.cssText =
      "position:absolute;inset:0;width:100%;height:100%;z-index:2;pointer-events:none";
    chart.style.position = "relative";
    chart.appendChild(layer);
  }
  const rows = chart.earshotRows ?? [];
  const found = places(chart, rows);
  const seen = JSON.stringify(found);
  if (layer.dataset.seen === seen) return;
  layer.dataset.seen = seen;
  layer.replaceChildren();
  for (const panel of Object.values(found)) {
    const [code, audio] = rows.map((row) => panel[row]);
    const line = { fill: "none", stroke: COLOUR, "stroke-width": 2.5 };
    if (code && audio) {
      add(layer, "line", {
        x1: code[0], y1: code[1], x2: audio[0], y2: audio[1],
        stroke: COLOUR, "stroke-width": 1.2, "stroke-dasharray": "4 4",
      });
    }
    if (code) add(layer, "circle", { cx: code[0], cy: code[1], r: 9, ...line });
    if (audio) {
      const [x, y] = audio;
      add(layer, "path", { d: `M${x - 11} ${y}l11 -11l11 11l-11 11z`, ...line });
    }
  }
}

// A chart is drawn some time after its data came, anew with every colouring and theme, and then
// has lost what was added to it: so it is looked at again and again, which costs next to nothing.
function mark(rows) {
  for (const chart of document.querySelectorAll('[class*="st-key-map-"] .js-plotly-plot')) {
    if (!chart._fullData || !chart.on) continue;
    chart.earshotRows = rows;
    if (chart.earshotEvents !== chart._ev) {
      chart.earshotEvents = chart._ev;
      chart.on("plotly_relayouting", () => draw(chart));
      chart.on("plotly_afterplot", () => draw(chart));
    }
    draw(chart);
  }
}

export default function ({ data }) {
  const first = !window.earshotMarked;
  window.earshotMarked = data?.rows ?? [];
  // One clock a tab, whatever becomes of the component: without a map there is nothing to mark.
  if (first) setInterval(() => mark(window.earshotMarked), EVERY_MS);
  mark(window.earshotMarked);
}
