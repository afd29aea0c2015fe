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

for (const place of document.querySelectorAll("[data-picture]")) place.append(picture(place.dataset.picture));

drawCharts(document, (chart) => PAGE.gauges[Number(chart.dataset.index)].values);

for (const button of document.querySelectorAll("[data-show-status]")) {
  button.addEventListener("click", () => {
    lists.get("verdicts").only("status", button.dataset.showStatus);
    document.getElementById("verdicts").scrollIntoView();
  });
}

for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
document.addEventListener("click", async ({ target }) => {
  if (!target.matches("button.copy")) return;
  await navigator.clipboard.writeText(target.parentElement.firstElementChild.textContent);
  target.textContent = "copied";
  setTimeout(() => (target.textContent = "copy"), 1500);
});

// Whoever moves about with the keyboard need not know which controls are links.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches?.("a[href]")) return;
  event.preventDefault();
  event.target.click();
});

function openTarget() {
  const id = decodeURIComponent(location.hash.slice(1));
  if ([...lists.values()].some((list) => list.reveal(id))) return;
  const folded = document.getElementById(id)?.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  document.getElementById(id).scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();
