// Samples beside their gate; the places come computed, in a frame of 200 x 30.
const STRIP_WIDTH = 200;
const STRIP_HEIGHT = 30;

function strip(plot, unit) {
  const parts = [line("axis", 0, STRIP_WIDTH, STRIP_HEIGHT - 0.5, STRIP_HEIGHT - 0.5)];
  for (const [, shadeX, width] of plot.bounds) {
    parts.push(drawing("rect", { class: "out", x: shadeX, y: 0, width, height: STRIP_HEIGHT }));
  }
  if (plot.interval) {
    const [x, width] = plot.interval;
    const box = { class: "interval", x, y: 2, width: Math.max(width, 1), height: STRIP_HEIGHT - 4, rx: 2 };
    parts.push(drawing("rect", box));
  }
  if (plot.median !== null) parts.push(line("median", plot.median, plot.median, 2, STRIP_HEIGHT - 2));
  for (const [x, , , beyond] of plot.bounds) parts.push(beyond ? arrow(x) : line("gate", x, x, 0, STRIP_HEIGHT));
  for (const [cx, cy, run, value, reason] of plot.dots) {
    const words = [run && `run ${run}`, `${value} ${unit ?? ""}`.trim(), reason && `not counted: ${reason}`];
    const shown = drawing("title", {}, words.filter(Boolean).join(", "));
    parts.push(drawing("circle", { class: reason ? "dot invalid" : "dot", cx, cy, r: 2.6 }, shown));
  }
  const frame = { class: "strip", viewBox: `0 0 ${STRIP_WIDTH} ${STRIP_HEIGHT}`, role: "img", "aria-label": plot.label };
  return drawing("svg", frame, ...parts);
}

function line(name, x1, x2, y1, y2) {
  return drawing("line", { class: name, x1, x2, y1, y2 });
}

function arrow(x) {
  const inward = x < STRIP_WIDTH / 2 ? 7 : -7;
  return drawing("path", { class: "beyond", d: `M${x} ${STRIP_HEIGHT / 2}l${inward} -5v10z` });
}
