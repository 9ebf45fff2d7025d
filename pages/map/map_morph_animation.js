// Moves all points from their positions before alignment to those after it, in one picture that
// covers both panels. The same button moves them back. Exporting a figure pauses the points on their
// way, and the button then continues.

const MORPH_DURATION_MS = 2200;
const MAX_SHAPED_MORPH_POINTS = 20000; // More points are drawn as squares, which is faster.
// At the beginning, on the way and at the end, as in core/plots/map_morph_figure.py.
const MORPH_TITLES = ["Before alignment", "Before → after alignment", "After alignment"];

// Returns positions in [0, 1], colours and sizes of the visible points, one entry per row.
function collectMorphPoints(chart) {
  const points = new Map();
  const panels = { before: [], after: [] };
  for (const trace of chart._fullData) {
    if (!trace.customdata || trace.visible !== true) continue;
    panels[getPanel(trace)].push(trace);
  }
  for (const [panel, traces] of Object.entries(panels)) {
    const [xLow, xSpan] = findExtent(traces, "x");
    const [yLow, ySpan] = findExtent(traces, "y");
    for (const trace of traces) {
      for (let i = 0; i < trace.x.length; i++) {
        const row = trace.customdata[i];
        let point = points.get(row);
        if (!point) {
          point = {
            colour: getPointColour(chart, trace.marker.color, i),
            size: trace.marker.size,
            isDiamond: trace.marker.symbol === "diamond",
          };
          points.set(row, point);
        }
        point[panel] = [(trace.x[i] - xLow) / xSpan, 1 - (trace.y[i] - yLow) / ySpan];
      }
    }
  }
  return [...points.values()].filter((point) => point.before && point.after);
}

// Returns the lowest value and the span of a coordinate over traces.
function findExtent(traces, name) {
  let [low, high] = [Infinity, -Infinity];
  for (const trace of traces) {
    for (const value of trace[name]) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high - low || 1];
}

// Starts, continues or ends the animation, as the state asks for.
function drawMorph(chart, state) {
  const morph = state.morph;
  if (morph && morph.chart !== chart) state.morph = null; // Another colour replaced the chart.
  if (state.isMorphed && !state.morph) startMorph(chart, state);
  else if (!state.isMorphed && state.morph?.direction === 1) reverseMorph(state);
  if (state.morph) updateMorphPoints(state.morph);
  else chart.querySelector(":scope > .earshot-morph")?.remove();
}

// Collects and draws the points again when the legend or the size of the chart has changed.
function updateMorphPoints(morph) {
  const { width, height } = morph.chart._fullLayout;
  const content = [width, height, morph.chart._fullData.map((trace) => trace.visible)];
  if (!hasChanged(morph.canvas, content)) return;
  morph.points = collectMorphPoints(morph.chart);
  paintMorph(morph);
}

function startMorph(chart, state) {
  const canvas = getLayer(chart, "earshot-morph", () => document.createElement("canvas"));
  canvas.setAttribute("role", "img");
  state.morph = {
    chart, canvas, points: [], direction: 1, start: performance.now(), from: 0, isPaused: false,
  };
  delete canvas.dataset.content; // Of an earlier animation.
  requestAnimationFrame(() => drawMorphFrame(state));
}

function reverseMorph(state) {
  state.morph.from = computeMorphShare(state.morph);
  state.morph.direction = -1;
  state.morph.start = performance.now();
  requestAnimationFrame(() => drawMorphFrame(state));
}

// Holds the points where they are; at the beginning or the end they stand still anyway.
function pauseMorph(state) {
  const { morph } = state;
  if (!morph || morph.isPaused) return;
  const share = computeMorphShare(morph);
  if (share > 0 && share < 1) Object.assign(morph, { from: share, isPaused: true });
}

function resumeMorph(state) {
  Object.assign(state.morph, { isPaused: false, start: performance.now() });
  requestAnimationFrame(() => drawMorphFrame(state));
}

// Returns how far the animation is: 0 before alignment, 1 after it.
function computeMorphShare({ start, from, direction, isPaused }) {
  if (isPaused) return from;
  const isReduced = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const elapsed = isReduced ? 1 : (performance.now() - start) / MORPH_DURATION_MS;
  return Math.min(Math.max(from + direction * elapsed, 0), 1);
}

// Returns how far the points are: they start and end slowly.
const easeMorphShare = (share) => share * share * (3 - 2 * share);

// Draws one frame after the other until the points have arrived or are paused.
function drawMorphFrame(state) {
  const { morph } = state;
  if (!morph || !morph.canvas.isConnected) return;
  const share = paintMorph(morph);
  if (morph.isPaused) return;
  if (morph.direction === 1 ? share < 1 : share > 0)
    requestAnimationFrame(() => drawMorphFrame(state));
  else if (morph.direction === -1) {
    state.morph = null;
    morph.canvas.remove();
  }
}

// Draws the points where they are now; returns how far the animation is.
function paintMorph(morph) {
  const share = computeMorphShare(morph);
  const { width, height, box } = sizeMorphCanvas(morph);
  const context = morph.canvas.getContext("2d");
  const { color, backgroundColor } = getComputedStyle(document.querySelector(".stApp"));
  context.globalAlpha = 1;
  context.fillStyle = backgroundColor;
  context.fillRect(0, 0, width, height);
  drawMorphPoints(context, morph.points, easeMorphShare(share), box);
  const title = MORPH_TITLES[share === 0 ? 0 : share === 1 ? 2 : 1];
  context.globalAlpha = 1;
  context.fillStyle = color;
  context.font = "600 15px sans-serif";
  context.fillText(title, 8, 24);
  morph.canvas.setAttribute("aria-label", `All points in one picture: ${title.toLowerCase()}`);
  morph.canvas.dataset.share = share.toFixed(3);
  return share;
}

// Fits the canvas to the panels; returns its size and the box of the points, in pixels.
function sizeMorphCanvas({ chart, canvas }) {
  const { width, height, xaxis, xaxis2, yaxis, yaxis2 } = chart._fullLayout;
  const bottom = Math.max(...[yaxis, yaxis2].map((axis) => axis._offset + axis._length)) + 2;
  const right = Math.max(...[xaxis, xaxis2].map((axis) => axis._offset + axis._length));
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(bottom * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(bottom * scale);
    canvas.style.height = `${Math.min(bottom, height)}px`;
  }
  canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
  const margin = 16;
  const top = Math.min(yaxis._offset, yaxis2._offset);
  return {
    width,
    height: bottom,
    box: {
      left: margin, top: top + margin, width: right - 2 * margin, height: bottom - top - 2 * margin,
    },
  };
}

function drawMorphPoints(context, points, share, box) {
  const hasShapes = points.length <= MAX_SHAPED_MORPH_POINTS;
  context.globalAlpha = hasShapes ? 0.8 : 0.6;
  for (const { before, after, colour, size, isDiamond } of points) {
    const x = box.left + box.width * (before[0] + (after[0] - before[0]) * share);
    const y = box.top + box.height * (before[1] + (after[1] - before[1]) * share);
    context.fillStyle = colour;
    if (hasShapes) fillPointShape(context, x, y, size / 2 + 0.5, isDiamond);
    else context.fillRect(x - size / 2, y - size / 2, size, size);
  }
}
