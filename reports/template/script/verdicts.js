function showVerdicts(section) {
  const table = section.querySelector("table");
  const withRoofline = table.dataset.roofline === "yes";
  const build = (row) => verdictRow(row, withRoofline);
  const words = (row) => [row.label, row.metric, row.model, row.subject, row.device, row.sentence, row.test];
  return new List(section, table.tBodies[0], PAGE.verdicts, build, words);
}

function verdictRow(row, withRoofline) {
  const cells = [
    element("td", {}, chip(row.status, row.label, row.id), row.quarantined && element("small", {}, "in quarantine")),
    metricCell(row),
    measuredCell(row),
    gateCell(row),
    withRoofline && rooflineCell(row),
    element("td", { class: "plot" }, row.plot && strip(row.plot, row.unit)),
    evidenceCell(row),
  ];
  return element("tr", { id: row.id, class: row.quarantined && "quarantined" }, ...cells);
}

function metricCell(row) {
  const place = [row.subject, row.device, row.virtual && "virtual"].filter(Boolean).join(" · ");
  const name = element("b", { title: row.description }, row.metric);
  return element("td", { class: "metric" }, name, element("span", {}, row.model), element("small", {}, place));
}

function measuredCell(row) {
  const notes = (row.interval ?? []).map((text) => element("small", {}, text));
  const unit = row.unit && element("span", { class: "unit" }, ` ${row.unit}`);
  return element("td", { class: "number measured" }, element("b", {}, row.value), unit, notes);
}

function gateCell(row) {
  if (!row.gate) return element("td", { class: "number gate" }, element("span", { class: "none" }, "none"));
  const sides = row.gate.map((side) => element("b", {}, side));
  return element("td", { class: "number gate" }, sides, row.margin_words && element("small", {}, row.margin_words));
}

function rooflineCell(row) {
  if (!row.roofline_words) return element("td", { class: "number roofline unknown none" }, "–");
  const width = `${Math.min(100 * row.roofline, 100).toFixed(1)}%`;
  const bar = element("span", { class: "meter" }, element("i", { style: `width: ${width}` }));
  const source = element("small", {}, row.roofline_source);
  return element("td", { class: "number roofline" }, element("b", {}, row.roofline_words), bar, source);
}

function evidenceCell(row) {
  const details = element("details", {}, element("summary", {}, row.sentence));
  details.addEventListener("toggle", () => details.children.length > 1 || details.append(...verdictDetails(row)));
  return element("td", { class: "evidence" }, details, row.source && element("small", { title: row.source }, row.source));
}

function verdictDetails(row) {
  const facts = [
    ...(row.notes ?? []).map((note) => ["Note", note]),
    ["Device", row.device],
    ["Artifact", row.artifact, "code"],
    ["Test", row.test, "code"],
  ];
  const list = element("dl", {});
  for (const [name, value, style] of facts) {
    if (value) list.append(element("dt", {}, name), element("dd", { class: style }, value));
  }
  const links = row.trend && element("p", {}, element("a", { href: `#${row.trend}` }, "Trend over the nights"));
  return [list, links, row.rerun && commandBox(row.rerun)].filter(Boolean);
}
