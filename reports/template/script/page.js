const PAGE = JSON.parse(document.getElementById("data").textContent);

const SHOWN_AS = {
  verdicts: showVerdicts,
  comparisons: showComparisons,
  trends: showTrends,
  answers: showAnswers,
  tests: showTests,
};
const lists = new Map();
for (const [id, show] of Object.entries(SHOWN_AS)) {
  const section = document.getElementById(id);
  if (section) lists.set(id, show(section));
}

for (const place of document.querySelectorAll("[data-spark]")) {
  place.append(spark(PAGE.trends.find((row) => row.id === place.dataset.spark), 240));
}

drawCharts(document, (chart) =>
  chart.dataset.chart === "stages" ? PAGE.stages : PAGE.gauges[Number(chart.dataset.index)].values,
);

for (const link of document.querySelectorAll("[data-show-status]")) {
  link.addEventListener("click", () => lists.get("verdicts").only("status", link.dataset.showStatus));
}

for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
document.addEventListener("click", async ({ target }) => {
  if (!target.matches("button.copy")) return;
  await navigator.clipboard.writeText(target.parentElement.firstElementChild.textContent);
  target.textContent = "copied";
  setTimeout(() => (target.textContent = "copy"), 1500);
});

function openTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  [...lists.values()].some((list) => list.reveal(id));
}
addEventListener("hashchange", openTarget);
openTarget();
