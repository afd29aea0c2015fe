const SIGNS = { float: "≈", right: "✓", wrong: "✗", "still right": "!", changed: "≠" };
const SOURCES = { float: "float model", unknown: "elsewhere" };

function showAnswers(section) {
  const words = (row) => [row.model, row.kind, row.sample, row.question, row.expected, ...givenWords(row)];
  return new List(section, section.querySelector(".cards"), PAGE.answers, answerCard, words);
}

function givenWords(row) {
  const columns = row.blocks.flatMap((block) => block.columns);
  return columns.flatMap((column) => column.lines.map((answer) => answer.words.map(([text]) => text).join("")));
}

function answerCard(row) {
  const [first, ...others] = row.blocks;
  const head = element(
    "header",
    {},
    element("h3", { class: "question" }, row.question),
    element("p", { class: "expected" }, element("span", {}, row.names ? "has to name" : "expected"), ` ${row.expected}`),
  );
  const about = element("p", { class: "about" }, element("a", { href: `#${row.id}` }, row.sample), ` ${row.kind} · ${row.model}`);
  const more = others.length > 0 && otherImages(others, row.blind === "yes");
  const body = element("div", { class: "body" }, about, head, columnsOf(first), more);
  return element("article", { id: row.id, class: row.wrong === "yes" ? "card has-wrong" : "card" }, picture(first.image), body);
}

function otherImages(blocks, suspicious) {
  const title = suspicious ? "Right without its own image" : "Asked with a blank or another image";
  const details = element("details", { class: "others" }, element("summary", { class: suspicious ? "suspicious" : null }, title));
  const show = (block) =>
    element("div", { class: `block ${block.variant}` }, element("figure", {}, picture(block.image), element("figcaption", {}, block.variant)), columnsOf(block));
  details.addEventListener("toggle", () => details.children.length > 1 || details.append(...blocks.map(show)));
  return details;
}

function columnsOf(block) {
  return element("div", { class: "columns" }, block.columns.map(answerColumn));
}

function answerColumn(column) {
  const lines = column.lines.map((answer) => {
    const sign = element("span", { class: "sign", title: answer.mark, "aria-label": answer.mark }, SIGNS[answer.mark]);
    const said = answer.words.map(([text, differs]) => (differs ? element("mark", {}, text) : text));
    const text = element("span", { class: "text" }, said.length ? said : element("i", {}, "empty answer"));
    const lacks = answer.missing.length > 0 && element("span", { class: "lacks" }, "lacks ", answer.missing.flatMap((word, at) => [at ? ", " : "", element("mark", {}, word)]));
    const who = element("small", { class: "who" }, answer.who.join(", "));
    return element("li", { class: answer.mark.replace(" ", "-") }, sign, text, lacks, who);
  });
  return element("div", { class: "column" }, element("h4", {}, SOURCES[column.source] ?? column.source), element("ul", {}, lines));
}

function picture(name) {
  if (name === null) return element("span", { class: "picture empty" }, "no image");
  const found = PAGE.pictures[name];
  if (!found) return element("span", { class: "picture empty" }, `${name} is not in this file`);
  const [width, height, uri] = found;
  const image = element("img", { src: uri, width, height, alt: "Image of the question", decoding: "async" });
  const button = element("button", { type: "button", class: "picture", "aria-label": "Enlarge the image" }, image);
  button.addEventListener("click", () => button.classList.toggle("large"));
  return button;
}
