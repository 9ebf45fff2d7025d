// Draws a path between two programs, and a gap with the programs that are predicted to lie there.

const GAP_ARM_PX = 9; // Half the width of the cross that marks the place.

function drawPathAndGap(chart, { path, gap }) {
  const layer = getSvgLayer(chart, "earshot-path");
  const pixels = {};
  for (const panel of PANELS) {
    const toPixel = (position) => position && toPanelPixel(chart, panel, position);
    pixels[panel] = {
      path: (path?.[panel] ?? []).map(toPixel),
      candidates: (gap?.[panel] ?? []).map(toPixel),
      place: gap?.panel === panel ? toPixel(gap.place) : null,
    };
  }
  if (!hasChanged(layer, pixels)) return;
  layer.replaceChildren();
  for (const panel of PANELS) drawPanelPathAndGap(layer, pixels[panel]);
}

function drawPanelPathAndGap(layer, { path, candidates, place }) {
  for (let i = 1; i < path.length; i++) {
    if (path[i - 1] && path[i]) {
      const [[x1, y1], [x2, y2]] = [path[i - 1], path[i]];
      addSvgElement(layer, "line", { x1, y1, x2, y2, stroke: MARK_COLOUR, "stroke-width": 2 });
    }
  }
  path.forEach((pixel, i) => pixel && drawNumber(layer, pixel, i + 1));
  candidates.forEach((pixel, i) => pixel && drawNumber(layer, pixel, i + 1));
  if (place) {
    const [x, y] = place;
    addSvgElement(layer, "path", {
      d: `M${x - GAP_ARM_PX} ${y}h${2 * GAP_ARM_PX}M${x} ${y - GAP_ARM_PX}v${2 * GAP_ARM_PX}`,
      stroke: MARK_COLOUR,
      "stroke-width": 3,
      class: "gap",
    });
  }
}

function drawNumber(layer, [x, y], number) {
  addSvgElement(layer, "circle", {
    cx: x, cy: y, r: 8, fill: MARK_COLOUR, stroke: "#fff", "stroke-width": 1.5,
  });
  addSvgElement(layer, "text", {
    x, y: y + 3.5, "text-anchor": "middle", fill: "#fff", "font-size": 10, "font-weight": 700,
  }, String(number));
}

// Returns panel and position of a pixel in the chart's units; null outside the panels.
function readPlace(chart, [x, y]) {
  for (const panel of PANELS) {
    const [xAxis, yAxis] = getPanelAxes(chart, panel);
    if (isOnAxis(xAxis, x) && isOnAxis(yAxis, y))
      return { panel, x: xAxis.p2l(x - xAxis._offset), y: yAxis.p2l(y - yAxis._offset) };
  }
  return null;
}
