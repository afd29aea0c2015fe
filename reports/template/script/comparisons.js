function showComparisons(section) {
  const words = (row) => [row.outcome, row.metric, row.model, row.subject, row.device, ...row.keys, row.sentence, row.test];
  return new List(section, section.querySelector("tbody"), PAGE.comparisons, comparisonRow, words);
}

function comparisonRow(row) {
  const place = [row.subject, row.device].filter(Boolean).join(" · ");
  const sides = [0, 1].map((side) => element("td", { class: "number" }, row.medians[side], element("small", { class: "code" }, row.keys[side])));
  return element(
    "tr",
    { id: row.id, class: [row.quarantined && "quarantined", row.stand_in && "of-stand-in"].filter(Boolean).join(" ") || null },
    element("td", { class: "status" }, chip(row.tone, row.outcome.toUpperCase(), row.id), row.quarantined && element("small", {}, "in quarantine")),
    element("td", { class: "metric" }, element("b", {}, row.metric), " ", standIn(row), element("span", {}, row.model), element("small", {}, place)),
    element("td", { class: "number change" }, element("b", {}, row.change_words), element("small", {}, row.interval)),
    ...sides,
    element("td", { class: "evidence" }, row.sentence, element("small", {}, row.base)),
  );
}
