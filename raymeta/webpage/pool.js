// The pool as a grid, sorted by score.
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { failure, notice } from "./notices.js";
import { quantity } from "./number_text.js";
import { CAPTION, poolCard } from "./pool_card.js";
import { PoolPages } from "./pool_pages.js";
import { orderValues, poolOrder, routeHash } from "./route.js";
import { VirtualGrid } from "./virtual_grid.js";

const SORTS = [
  ["score", "Score"], ["clicks", "Estimated clicks"], ["entropy", "Entropy"],
  ["predicted_iou", "Predicted IoU"], ["image_id", "Name"],
];
const TYPING = 220; // milliseconds
const left = { hash: null, scroll: 0, active: 0 }; // where the user was when the view was left

/** context: {service, live, route, iteration, pinned, thumbnails, replaceHash}. */
export class PoolView {
  constructor(context) {
    this.context = context;
    this.title = "Pool";
    this.order = poolOrder(context.route.params);
    this.summary = element("p", { class: "soft small", role: "status" });
    this.place = element("div", { class: "pool-place" });
    this.element = element("div", { class: "pool" }, this.bar(), this.place);
    this.grid = null;
    this.load(left.hash === this.hash() ? { ...left } : null);
  }

  hash() {
    return routeHash("pool", { ...orderValues(this.order), iteration: this.context.pinned });
  }

  bar() {
    const sort = element("select", { class: "select", "aria-label": "Sort by", change: () => this.reorder({ sort: sort.value }) },
      ...SORTS.map(([value, text]) => element("option", { value, selected: value === this.order.sort }, text)));
    this.direction = element("button", { class: "button icon", type: "button", click: () => this.reorder({ order: this.order.order === "desc" ? "asc" : "desc" }) });
    this.showDirection();
    this.search = element("input", {
      class: "field", type: "search", placeholder: "Search names", "aria-label": "Search names", value: this.order.search,
      autocomplete: "off", spellcheck: "false",
      input: () => {
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.reorder({ search: this.search.value.trim() }), TYPING);
      },
    });
    return element(
      "div", { class: "pool-bar" },
      element("div", { class: "pool-title" }, element("h1", {}, "Pool"), this.summary),
      element("div", { class: "pool-controls" },
        element("span", { class: "search" }, icon("search"), this.search), sort, this.direction),
    );
  }

  showDirection() {
    const descending = this.order.order === "desc";
    const label = descending ? "Highest first; switch to lowest first" : "Lowest first; switch to highest first";
    this.direction.replaceChildren(icon(descending ? "descending" : "ascending"));
    this.direction.setAttribute("aria-label", label);
    this.direction.title = label;
  }

  reorder(change) {
    this.order = { ...this.order, ...change };
    this.showDirection();
    this.context.replaceHash(this.hash());
    window.scrollTo(0, 0);
    this.load(null);
  }

  /** Fetch the first page; then the grid asks for the rest as it scrolls. */
  async load(memory) {
    this.pages?.close();
    const pages = new PoolPages(this.context.service, this.order, this.context.iteration);
    this.pages = pages;
    if (!this.grid) this.place.replaceChildren(skeleton());
    this.place.classList.add("busy");
    try {
      await pages.ready(0);
    } catch (error) {
      if (this.pages === pages && error.name !== "AbortError") this.fail(error);
      return;
    }
    if (this.pages !== pages) return;
    this.place.classList.remove("busy");
    pages.addEventListener("change", () => this.grid?.fill(pages.total));
    pages.addEventListener("failure", (event) => this.fail(event.error));
    this.show(memory);
  }

  fail(error) {
    this.dropGrid();
    this.summary.textContent = "";
    this.place.classList.remove("busy");
    this.place.replaceChildren(failure(error, () => this.load(null)));
  }

  show(memory) {
    const { total } = this.pages;
    this.summary.textContent = quantity(total, "image", "images") + (this.order.search ? " found" : "");
    if (!total) {
      this.dropGrid();
      const text = this.order.search ? "Try another part of a name." : "This run has no images in its pool.";
      const action = this.order.search ? ["Show all", () => ((this.search.value = ""), this.reorder({ search: "" }))] : null;
      this.place.replaceChildren(notice("No image", text, { sign: "picture", action }));
      return;
    }
    if (!this.grid) {
      this.grid = this.newGrid();
      this.place.replaceChildren(this.grid.element);
    }
    this.grid.active = memory?.active ?? 0;
    this.grid.reset(total);
    if (memory) {
      window.scrollTo(0, memory.scroll);
      this.grid.draw();
      if (memory.active) this.grid.find(memory.active)?.focus({ preventScroll: true });
    }
  }

  newGrid() {
    const { model } = this.context.live;
    const aspect = `${model.width} / ${model.height}`;
    return new VirtualGrid({
      label: "Images of the pool",
      narrowest: window.innerWidth < 560 ? 150 : 218,
      height: (width) => Math.round((width * model.height) / model.width) + CAPTION,
      seen: (first, last) => this.pages.need(first, last),
      cell: (index, size) => {
        const row = this.pages.at(index);
        const values = { ...orderValues(this.order), at: index, iteration: this.context.pinned };
        const href = row && routeHash("image", values, row.image_id);
        return poolCard(row, { href, unit: this.context.live.model.unit, sort: this.order.sort, aspect, size, thumbnails: this.context.thumbnails });
      },
    });
  }

  dropGrid() {
    this.grid?.close();
    this.grid = null;
  }

  key(event) {
    if (event.key === "/") {
      event.preventDefault();
      this.search.focus();
    } else if (event.key.startsWith("Arrow") && this.grid && !this.grid.element.contains(document.activeElement)) {
      event.preventDefault();
      this.grid.focus(this.grid.active);
    }
  }

  close() {
    clearTimeout(this.typing);
    Object.assign(left, { hash: this.hash(), scroll: window.scrollY, active: this.grid?.active ?? 0 });
    this.pages.close();
    this.dropGrid();
  }
}

function skeleton() {
  const cards = Array.from({ length: 12 }, () => element("div", { class: "skeleton pool-skeleton" }));
  return element("div", { class: "pool-skeletons", role: "status", "aria-label": "loading" }, ...cards);
}
