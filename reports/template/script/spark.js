// A trend in one line of text: nights as dots, levels between changes, the gate if it is near.
const SPARK = { height: 34, margin: 5 };

function spark(trend, width) {
  const values = trend.points.map((point) => point[1]);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const near = trend.gate !== null && trend.gate > low - 2 * (high - low) && trend.gate < high + 2 * (high - low);
  if (near) [low, high] = [Math.min(low, trend.gate), Math.max(high, trend.gate)];
  const [first, last] = [trend.points[0][0], trend.points.at(-1)[0]];
  const { height, margin } = SPARK;
  const x = (night) => margin + ((night - first) / (last - first || 1)) * (width - 2 * margin);
  const y = (value) => height - margin - ((value - low) / (high - low || 1)) * (height - 2 * margin);
  const parts = levels(trend).map(([from, to, level]) => line("level", x(from), x(to), y(level), y(level)));
  if (near) parts.push(line("gate", 0, width, y(trend.gate), y(trend.gate)));
  for (const { night, kind } of trend.steps) parts.push(line(`step ${kind}`, x(night), x(night), 0, height));
  for (const point of trend.points) {
    parts.push(drawing("circle", { class: "dot", cx: x(point[0]).toFixed(1), cy: y(point[1]).toFixed(1), r: 1.7 }));
  }
  const label = `${trend.points.length} nights of ${trend.metric}, now ${trend.latest} ${trend.unit}`;
  return drawing("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);
}

// From, to, level of every stretch between changes; a trend without changes has none to show.
function levels(trend) {
  if (!trend.steps.length) return [];
  const ends = [...trend.steps.map((step) => step.night), trend.points.at(-1)[0]];
  const stretches = [[trend.points[0][0], ends[0], trend.steps[0].before]];
  trend.steps.forEach((step, index) => stretches.push([step.night, ends[index + 1], step.after]));
  return stretches;
}
