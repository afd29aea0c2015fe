function showVerdicts(section) {
  const table = section.querySelector("table");
  const withRoofline = table.dataset.roofline === "yes";
  const build = (row, list) => verdictRow(row, withRoofline, list);
  const words = (row) => [row.label, row.metric, row.model, row.subject, row.device, row.stand_in, row.sentence, row.test];
  return new List(section, table.tBodies[0], PAGE.verdicts, build, words);
}

function verdictRow(row, withRoofline, list) {
  const cells = [
    element("td", { class: "status" }, chip(row.status, row.label, row.id), row.quarantined && element("small", {}, "in quarantine"), row.more > 0 && moreButton(row, list)),
    metricCell(row),
    measuredCell(row),
    gateCell(row),
    withRoofline && rooflineCell(row),
    element("td", { class: "plot" }, row.plot && strip(row.plot, row.unit)),
    evidenceCell(row),
  ];
  const marks = [isQuiet(row) && "quiet", row.quarantined && "quarantined", row.stand_in && "of-stand-in"];
  return element("tr", { id: row.id, class: marks.filter(Boolean).join(" ") || null }, ...cells);
}

function metricCell(row) {
  const place = [row.subject, row.device].filter(Boolean).join(" · ");
  const name = element("b", { title: row.description }, row.metric);
  return element("td", { class: "metric" }, name, " ", standIn(row), " ", element("span", {}, row.model), element("small", {}, place));
}

function moreButton(row, list) {
  const state = { "aria-expanded": String(list.opened.has(row.metric)), title: "Gates of this metric with more room" };
  const button = element("button", { type: "button", class: "more", ...state }, `${row.more} more`);
  button.addEventListener("click", () => button.setAttribute("aria-expanded", String(list.toggleFold(row))));
  return button;
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

function isQuiet(row) {
  return row.status === "pass" || row.status === "valid";
}

function evidenceCell(row) {
  // The numbers of a green row are beside it: its sentence can wait.
  const details = element("details", {}, element("summary", {}, isQuiet(row) ? "evidence" : row.sentence));
  details.addEventListener("toggle", () => details.children.length > 1 || details.append(...verdictDetails(row)));
  return element("td", { class: "evidence" }, details);
}

function verdictDetails(row) {
  const facts = [
    ["Evidence", isQuiet(row) && row.sentence],
    ...(row.notes ?? []).map((note) => ["Note", note]),
    ["Device", row.device],
    ["Gate", row.source],
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
