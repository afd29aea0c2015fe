function showTests(section) {
  const words = (row) => [row.label, row.outcome, row.file, row.name, row.reason];
  return new List(section, section.querySelector("tbody"), PAGE.tests, testRow, words);
}

function testRow(row) {
  const name = element("span", { class: "code" }, row.name);
  const details = element("details", {}, element("summary", {}, name));
  details.addEventListener("toggle", () => details.children.length > 1 || details.append(commandBox(row.rerun)));
  const where = element("small", {}, [row.file, row.reason].filter(Boolean).join(" · "));
  return element(
    "tr",
    { id: row.id },
    element("td", {}, chip(row.tone, row.label, row.id)),
    element("td", {}, details, where),
    element("td", { class: "number" }, row.seconds.toFixed(2)),
  );
}
