// Charts are drawn when they come into view; the library that draws them starts with the first one.
function drawCharts(root, values) {
  const charts = [...root.querySelectorAll(".chart")];
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        observer.unobserve(target);
        drawChart(target, target.dataset.chart, values(target));
      }
    },
    { rootMargin: "600px" },
  );
  charts.forEach((chart) => observer.observe(chart));
  addEventListener("beforeprint", () => charts.forEach((chart) => drawChart(chart, chart.dataset.chart, values(chart))));
}

async function drawChart(target, kind, values) {
  if (target.dataset.drawn) return;
  target.dataset.drawn = "yes";
  startLibrary();
  const specification = { ...PAGE.charts[kind], datasets: { values } };
  if (kind === "stages") specification.height *= new Set(values.map((value) => value.run)).size;
  try {
    await vegaEmbed(target, specification, { actions: false, renderer: "svg", tooltip: { theme: "page" } });
  } catch (error) {
    target.textContent = `This chart could not be drawn: ${error.message}`;
    throw error;
  }
}

function startLibrary() {
  if (window.vegaEmbed) return;
  const script = document.createElement("script");
  // Its names are one letter long and must not become ours.
  script.textContent = `(() => {${document.getElementById("chart-script").textContent}\n})();`;
  document.head.append(script);
}
