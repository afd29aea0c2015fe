const OPENED_AT_FIRST = 2;

function showTrends(section) {
  const words = (row) => [row.metric, row.model, row.subject, row.device];
  for (const row of PAGE.trends) row.last = row.points.at(-1)[1];
  const list = new List(section, section.querySelector("tbody"), PAGE.trends, trendRow, words);
  const worse = PAGE.trends.filter((row) => row.worse === "yes").slice(0, OPENED_AT_FIRST);
  for (const row of worse) document.getElementById(row.id).querySelector("details").open = true;
  return list;
}

function trendRow(row) {
  const place = [row.subject, row.virtual && "virtual"].filter(Boolean).join(" · ");
  const details = element("details", {}, element("summary", {}, spark(row, 440)));
  details.addEventListener("toggle", () => openTrend(details, row));
  const change = row.change === null ? element("span", { class: "none" }, "none") : changeWords(row);
  return element(
    "tr",
    { id: row.id },
    element("td", { class: "metric" }, element("b", {}, row.metric), element("span", {}, row.model), element("small", {}, place)),
    element("td", {}, row.device),
    element("td", { class: "number" }, element("b", {}, row.latest), row.unit && element("span", { class: "unit" }, ` ${row.unit}`)),
    element("td", { class: "number" }, change),
    element("td", { class: "nights-cell" }, details),
  );
}

function changeWords(row) {
  const since = new Date(PAGE.nights[row.steps.at(-1)[0]].at);
  const day = since.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const tone = row.worse === "yes" ? "worse" : "better";
  return element("span", {}, element("b", { class: tone }, percent(row.change)), element("small", {}, `since ${day}`));
}

function openTrend(details, row) {
  const tableRow = details.closest("tr");
  tableRow.classList.toggle("open", details.open);
  if (!details.open || details.children.length > 1) return;
  const chart = element("div", { class: "chart" });
  details.append(chart);
  drawChart(chart, "trend", trendValues(row));
}

function trendValues(row) {
  const starts = new Map(row.steps.map((step) => [step[0], step]));
  const stretches = levels(row);
  return row.points.map(([night, median, low, high]) => {
    const step = starts.get(night);
    const segment = stretches.findIndex(([from, to]) => night >= from && night <= to && !(starts.has(to) && night === to));
    const { at, run, ending, commit } = PAGE.nights[night];
    return {
      at, run, ending, commit, median, low, high, gate: row.gate, segment,
      level: segment < 0 ? null : stretches[segment][2],
      step: step ? (step[3] ? "worse" : "better") : null,
      change: step ? percent(step[2] / step[1] - 1) : null,
    };
  });
}
