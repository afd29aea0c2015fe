// Elements are built from text alone: nothing that a model answered can become markup.
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  return furnish(node, attributes, children);
}

function drawing(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  return furnish(node, attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child || child === 0));
  return node;
}

function commandBox(text) {
  const copy = element("button", { type: "button", class: "copy" }, "copy");
  return element("div", { class: "command" }, element("code", {}, text), copy);
}

function chip(tone, label, id) {
  return element("a", { class: `chip tone-${tone}`, href: `#${id}`, title: "Link to this row" }, label);
}

// What computed a speed that is no phone's: nobody may read the row without it.
function standIn(row) {
  return row.stand_in && element("span", { class: "chip tone-stand-in" }, row.stand_in);
}
