// A long list: filtered and sorted as data, and put on the page a screen at a time.
const FIRST_ROWS = 40;
const MORE_ROWS = 80;
const PRINTED_ROWS = 400;

class List {
  // body: where rows go; rows: data with an id; build: element of a row; words: text to search in.
  constructor(section, body, rows, build, words) {
    this.section = section;
    this.body = body;
    this.rows = rows;
    this.build = build;
    this.words = words;
    this.texts = new Map();
    this.shown = rows;
    this.order = null;
    this.toggles = [...section.querySelectorAll(".toggle")];
    this.search = section.querySelector("input[type=search]");
    this.output = section.querySelector("output");
    this.sentinel = element("div", { class: "sentinel" });
    body.closest(".scroll, .cards").after(this.sentinel);
    this.listen();
    this.update();
  }

  listen() {
    for (const toggle of this.toggles) {
      toggle.addEventListener("click", () => {
        const pressed = toggle.getAttribute("aria-pressed") === "true";
        toggle.setAttribute("aria-pressed", String(!pressed));
        this.update();
      });
    }
    this.search.addEventListener("input", () => this.update());
    for (const header of this.section.querySelectorAll("th[data-sort]")) {
      header.tabIndex = 0;
      header.addEventListener("click", () => this.sortBy(header));
      header.addEventListener("keydown", (event) => {
        if (event.key === "Enter") this.sortBy(header);
      });
    }
    this.section.querySelector(".controls").hidden = false;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting) return;
        this.grow(MORE_ROWS);
        // Observed anew, it reports again should the end still be in sight.
        observer.unobserve(this.sentinel);
        observer.observe(this.sentinel);
      },
      { rootMargin: "1200px" },
    );
    observer.observe(this.sentinel);
    addEventListener("beforeprint", () => this.grow(PRINTED_ROWS));
  }

  only(key, value) {
    this.search.value = "";
    for (const toggle of this.toggles) {
      const wanted = toggle.dataset.key === key && toggle.dataset.value === value;
      toggle.setAttribute("aria-pressed", String(wanted));
    }
    this.update();
  }

  // A link leads to its row wherever that is: shown as the first one if it is far down.
  reveal(id) {
    const row = this.rows.find((each) => each.id === id);
    if (!row) return false;
    if (!this.shown.includes(row)) this.only(null, null);
    const place = this.shown.indexOf(row);
    if (place >= MORE_ROWS) {
      this.shown = [row, ...this.shown.filter((each) => each !== row)];
      this.start();
    } else this.grow(place + 1 - this.built);
    const node = document.getElementById(id);
    for (const other of this.body.querySelectorAll(".linked")) other.classList.remove("linked");
    node.classList.add("linked");
    const details = node.querySelector("details");
    if (details) details.open = true;
    node.scrollIntoView({ block: "center" });
    return true;
  }

  sortBy(header) {
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of header.parentElement.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    this.order = { key: header.dataset.sort, direction: ascending ? 1 : -1 };
    this.update();
  }

  update() {
    const wanted = new Map();
    for (const { dataset } of this.toggles.filter((each) => each.getAttribute("aria-pressed") === "true")) {
      wanted.set(dataset.key, [...(wanted.get(dataset.key) ?? []), dataset.value]);
    }
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.shown = this.rows.filter((row) => {
      for (const [key, values] of wanted) if (!values.includes(String(row[key]))) return false;
      return words.every((word) => this.textOf(row).includes(word));
    });
    if (this.order) this.shown.sort((one, two) => this.order.direction * compareBy(this.order.key, one, two));
    this.start();
  }

  // Collected when first searched in: most readers of a long list only scroll.
  textOf(row) {
    if (!this.texts.has(row)) this.texts.set(row, this.words(row).filter(Boolean).join(" ").toLowerCase());
    return this.texts.get(row);
  }

  start() {
    this.body.replaceChildren();
    this.built = 0;
    this.grow(FIRST_ROWS);
    const all = this.rows.length;
    this.output.textContent = this.shown.length === all ? `all ${all}` : `${this.shown.length} of ${all}`;
  }

  grow(count) {
    if (count <= 0) return;
    const more = this.shown.slice(this.built, this.built + count);
    this.body.append(...more.map((row) => this.build(row)));
    this.built += more.length;
    this.sentinel.hidden = this.built >= this.shown.length;
  }
}

// Numbers by size, words by alphabet, and what is missing last in either direction's first order.
function compareBy(key, one, two) {
  const [a, b] = [one[key], two[key]];
  if (a == null || b == null) return (a == null) - (b == null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
