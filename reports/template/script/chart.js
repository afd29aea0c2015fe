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
  const name = target.getAttribute("aria-label");
  startLibrary();
  // A layer with nothing to draw would be complained about.
  const drawn = ({ name }) => !name || values.some((value) => value[name] !== null);
  const specification = { ...PAGE.charts[kind], layer: PAGE.charts[kind].layer.filter(drawn), datasets: { values } };
  try {
    await vegaEmbed(target, specification, { actions: false, renderer: "svg", tooltip: { theme: "page" } });
    // One name for the whole chart; those of its marks would drown it.
    target.setAttribute("role", "img");
    target.setAttribute("aria-label", name);
    target.querySelector("svg").setAttribute("aria-hidden", "true");
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
