"use strict";

// A list shows the items whose data attributes match every pressed key and whose text has the words.
class List {
  constructor(root) {
    this.root = root;
    this.items = [...root.querySelectorAll("[data-item]")];
    this.toggles = [...root.querySelectorAll(".toggle")];
    this.search = root.querySelector("input[type=search]");
    this.output = root.querySelector("output");
    this.texts = new Map(this.items.map((item) => [item, item.textContent.toLowerCase()]));
    for (const toggle of this.toggles) {
      toggle.addEventListener("click", () => this.press(toggle, !this.isPressed(toggle)));
    }
    this.search.addEventListener("input", () => this.update());
    root.querySelector(".controls").hidden = false;
    this.update();
  }

  isPressed(toggle) {
    return toggle.getAttribute("aria-pressed") === "true";
  }

  press(toggle, pressed) {
    toggle.setAttribute("aria-pressed", String(pressed));
    this.update();
  }

  only(key, value) {
    this.search.value = "";
    for (const toggle of this.toggles) {
      const wanted = toggle.dataset.key === key && toggle.dataset.value === value;
      toggle.setAttribute("aria-pressed", String(wanted));
    }
    this.update();
  }

  matches(item, wanted, words) {
    for (const [key, values] of wanted) {
      if (!values.includes(item.dataset[key])) return false;
    }
    const text = this.texts.get(item);
    return words.every((word) => text.includes(word));
  }

  update() {
    const wanted = new Map();
    for (const toggle of this.toggles.filter((each) => this.isPressed(each))) {
      const { key, value } = toggle.dataset;
      wanted.set(key, [...(wanted.get(key) ?? []), value]);
    }
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of this.items) {
      const visible = this.matches(item, wanted, words);
      item.toggleAttribute("data-hidden", !visible);
      shown += visible;
    }
    this.output.textContent =
      shown === this.items.length ? `all ${shown}` : `${shown} of ${this.items.length}`;
    const details = this.root.querySelector(":scope > details");
    if (details && shown < this.items.length) details.open = true;
  }
}

function sortBy(header) {
  const key = header.dataset.sort;
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  for (const other of header.parentElement.children) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = header.closest("table").tBodies[0];
  const compare = (one, two) =>
    one.dataset[key].localeCompare(two.dataset[key], "en", { numeric: true });
  const numbers = (one, two) => Number(one.dataset[key]) - Number(two.dataset[key]);
  const rows = [...body.rows];
  const order = rows.every((row) => !Number.isNaN(Number(row.dataset[key]))) ? numbers : compare;
  rows.sort((one, two) => (ascending ? order(one, two) : order(two, one)));
  body.append(...rows);
}

function openTarget() {
  const target = location.hash.startsWith("#verdict-") && document.querySelector(location.hash);
  if (target) target.querySelector("details").open = true;
}

const lists = new Map(
  [...document.querySelectorAll("[data-list]")].map((root) => [root.id, new List(root)]),
);

for (const header of document.querySelectorAll("th[data-sort]")) {
  header.tabIndex = 0;
  header.addEventListener("click", () => sortBy(header));
  header.addEventListener("keydown", (event) => {
    if (event.key === "Enter") sortBy(header);
  });
}

for (const link of document.querySelectorAll("[data-show-status]")) {
  link.addEventListener("click", () => lists.get("verdicts").only("status", link.dataset.showStatus));
}

for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.parentElement.firstElementChild.textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 1500);
  });
}

for (const picture of document.querySelectorAll("button.picture")) {
  picture.addEventListener("click", () => picture.closest(".block").classList.toggle("large"));
}

addEventListener("hashchange", openTarget);
openTarget();
