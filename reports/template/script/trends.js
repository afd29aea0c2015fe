const OPENED_AT_FIRST = 2;

function showTrends(section) {
  const words = (row) => [row.metric, row.model, row.subject, row.device, row.stand_in, row.label];
  for (const row of PAGE.trends) {
    row.last = row.points.at(-1)[1];
    row.change = row.last_change?.share ?? null;
  }
  const list = new List(section, section.querySelector("tbody"), PAGE.trends, trendRow, words);
  const worse = PAGE.trends.filter((row) => row.worse === "yes").slice(0, OPENED_AT_FIRST);
  for (const row of worse) document.getElementById(row.id).querySelector("details").open = true;
  return list;
}

function trendRow(row) {
  const place = [row.subject, row.device].filter(Boolean).join(" · ");
  const line = spark(row, 440);
  const details = element("details", {}, element("summary", { "aria-label": `${line.getAttribute("aria-label")}: chart` }, line));
  details.addEventListener("toggle", () => openTrend(details, row));
  const name = element("b", {}, row.metric);
  return element(
    "tr",
    { id: row.id, class: row.stand_in && "of-stand-in" },
    element("td", { class: "metric" }, name, " ", standIn(row), element("span", {}, row.model), element("small", {}, place)),
    element("td", { class: "status" }, row.label ? element("span", { class: `chip tone-${row.status}` }, row.label) : element("span", { class: "none" }, "none")),
    element("td", { class: "number measured" }, element("b", {}, row.latest), row.unit && element("span", { class: "unit" }, ` ${row.unit}`)),
    element("td", { class: "number change" }, row.last_change ? changeWords(row.last_change) : element("span", { class: "none" }, row.stand_in ? "–" : "no change")),
    element("td", { class: "nights-cell" }, details),
  );
}

// In the words of the headline.
function changeWords({ kind, change, since, levels }) {
  const told = [change ?? "new", since && `since ${since}`].filter(Boolean);
  return element("span", {}, element("b", { class: kind }, told[0]), told[1] && element("small", {}, told[1]), element("small", {}, levels));
}

function openTrend(details, row) {
  const tableRow = details.closest("tr");
  tableRow.classList.toggle("open", details.open);
  if (!details.open || details.children.length > 1) return;
  const chart = element("div", { class: "chart", role: "img", "aria-label": `${row.metric}, night by night` });
  // Beside the chart, not in it: there is room for all of them however close they lie.
  const changes = row.steps.map((step) => element("li", {}, changeWords(step)));
  details.append(chart, ...(changes.length ? [element("ul", { class: "changes" }, changes)] : []));
  drawChart(chart, "trend", trendValues(row));
}

function trendValues(row) {
  const starts = new Map(row.steps.map((step) => [step.night, step]));
  const stretches = levels(row);
  return row.points.map(([night, median, low, high]) => {
    const segment = stretches.findIndex(([from, to]) => night >= from && night <= to && !(starts.has(to) && night === to));
    const { at, run, ending, commit } = PAGE.nights[night];
    return {
      at, run, ending, commit, median, low, high, gate: row.gate, segment,
      level: segment < 0 ? null : stretches[segment][2],
      step: starts.get(night)?.kind ?? null,
    };
  });
}
