// A long list: filtered and sorted as data, and put on the page a screen at a time.
const FIRST_ROWS = 40;
const MORE_ROWS = 80;
const PRINTED_ROWS = 400;

class List {
  // body: where rows go; rows: data with an id; build: element of a row of a list; words: text to search in.
  constructor(section, body, rows, build, words) {
    this.section = section;
    this.body = body;
    this.rows = rows;
    this.build = build;
    this.words = words;
    this.texts = new Map();
    this.opened = new Set();
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
      const button = element("button", { type: "button", class: "sort" }, header.textContent);
      button.addEventListener("click", () => this.sortBy(header));
      header.replaceChildren(button);
    }
    this.unfold = this.section.querySelector(".unfold");
    this.unfold?.addEventListener("click", () => {
      this.opened.add(this.unfold.dataset.fold);
      this.update();
    });
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
    for (const fold of row.folds ?? []) this.opened.add(fold);
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
    // Whoever asks for something is shown all of it.
    const isFolding = wanted.size === 0 && words.length === 0 && !this.order;
    this.shown = this.rows.filter((row) => {
      if (isFolding && this.isFolded(row)) return false;
      for (const [key, values] of wanted) if (!values.includes(String(row[key]))) return false;
      return words.every((word) => this.textOf(row).includes(word));
    });
    if (this.order) this.shown.sort((one, two) => this.order.direction * compareBy(this.order.key, one, two));
    this.start();
    const all = this.rows.length;
    this.output.textContent = isFolding || this.shown.length === all ? `all ${all}` : `${this.shown.length} of ${all}`;
    this.tellFolded(isFolding);
  }

  isFolded(row) {
    return (row.folds ?? []).some((fold) => !this.opened.has(fold));
  }

  tellFolded(isFolding) {
    this.section.classList.toggle("unfolded", !isFolding);
    if (!this.unfold) return;
    const hidden = this.rows.filter((row) => row.folds?.includes(this.unfold.dataset.fold));
    this.unfold.hidden = !isFolding || this.opened.has(this.unfold.dataset.fold) || !hidden.length;
    this.unfold.textContent = `${hidden.length} more ${this.unfold.dataset.told}`;
  }

  // Shows or hides what is folded behind a row; says whether it is shown now.
  toggleFold(row) {
    const behind = this.rows.filter((each) => each.folds?.includes(row.metric));
    const isOpening = !this.opened.delete(row.metric);
    const others = this.shown.filter((each) => !behind.includes(each));
    for (const each of behind) document.getElementById(each.id)?.remove();
    this.built -= this.shown.slice(0, this.built).filter((each) => behind.includes(each)).length;
    this.shown = others;
    if (isOpening) {
      this.opened.add(row.metric);
      const place = others.indexOf(row) + 1;
      this.shown = [...others.slice(0, place), ...behind, ...others.slice(place)];
      document.getElementById(row.id).after(...behind.map((each) => this.build(each, this)));
      this.built += behind.length;
    }
    return isOpening;
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
  }


  grow(count) {
    if (count <= 0) return;
    const more = this.shown.slice(this.built, this.built + count);
    this.body.append(...more.map((row) => this.build(row, this)));
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
