// A grid of any length of which only the rows near the window exist; arrow keys walk through all of it.
import { element } from "./dom.js";

const GAP = 14;
const SPARE = 1; // rows kept beyond the window on either side

/**
 * cell(index, size) → {node, close(), pending}: node is focusable and fills its place; close() is called when it scrolls
 * away; pending: its data are on their way, and fill() will draw it anew.
 * height(width): of a cell. seen(first, last): which places are near the window.
 */
export class VirtualGrid {
  constructor({ label, narrowest, height, cell, seen }) {
    Object.assign(this, { narrowest, height, cell, seen });
    this.count = 0;
    this.rows = new Map(); // row number → {node, cells}
    this.active = 0;
    this.element = element("div", { class: "virtual-grid", role: "grid", "aria-label": label, keydown: (event) => this.key(event), focusin: (event) => this.focused(event) });
    this.onScroll = () => this.plan();
    window.addEventListener("scroll", this.onScroll, { passive: true });
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.element);
  }

  close() {
    window.removeEventListener("scroll", this.onScroll);
    this.observer.disconnect();
    this.clear();
  }

  /** Show this many places, all drawn anew. */
  reset(count) {
    this.count = count;
    this.active = Math.max(0, Math.min(this.active, count - 1));
    this.clear();
    this.measure();
  }

  /** Draw the rows anew that were waiting for their data. */
  fill(count) {
    this.count = count;
    const held = this.element.contains(document.activeElement);
    for (const [number, row] of this.rows) if (row.cells.some((cell) => cell.pending)) this.drop(number);
    this.measure();
    if (held && !this.element.contains(document.activeElement)) this.find(this.active)?.focus({ preventScroll: true });
  }

  measure() {
    const width = this.element.clientWidth;
    if (!width) return;
    const columns = Math.max(2, Math.floor((width + GAP) / (this.narrowest + GAP)));
    const size = (width - GAP * (columns - 1)) / columns;
    if (columns !== this.columns || Math.abs(size - this.size) > 0.5) this.clear();
    Object.assign(this, { columns, size, step: this.height(size) + GAP });
    const rows = Math.ceil(this.count / columns);
    this.element.style.height = `${Math.max(0, rows * this.step - GAP)}px`;
    this.element.setAttribute("aria-rowcount", rows);
    this.element.setAttribute("aria-colcount", columns);
    this.draw();
  }

  plan() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  draw() {
    if (!this.columns || !this.element.isConnected) return;
    const top = -this.element.getBoundingClientRect().top;
    const rows = Math.ceil(this.count / this.columns);
    const first = Math.max(0, Math.floor(top / this.step) - SPARE);
    const last = Math.min(rows - 1, Math.floor((top + window.innerHeight) / this.step) + SPARE);
    for (const [number, row] of this.rows) {
      if ((number < first || number > last) && !row.node.contains(document.activeElement)) this.drop(number);
    }
    for (let number = first; number <= last; number += 1) if (!this.rows.has(number)) this.add(number);
    if (this.count) this.seen(first * this.columns, Math.min(this.count, (last + 1) * this.columns) - 1);
  }

  add(number) {
    const from = number * this.columns;
    const cells = [];
    const node = element("div", { class: "grid-row", role: "row", "aria-rowindex": number + 1 });
    node.style.transform = `translateY(${number * this.step}px)`;
    node.style.gridTemplateColumns = `repeat(${this.columns}, ${this.size}px)`;
    for (let index = from; index < Math.min(this.count, from + this.columns); index += 1) {
      const cell = this.cell(index, this.size);
      cell.node.dataset.index = index;
      cell.node.tabIndex = index === this.active ? 0 : -1;
      node.append(element("div", { role: "gridcell", "aria-colindex": index - from + 1 }, cell.node));
      cells.push(cell);
    }
    this.rows.set(number, { node, cells });
    // Rows stand in the document in the order in which they are seen, for readers that go line by line.
    const after = [...this.rows.keys()].filter((other) => other > number);
    this.element.insertBefore(node, after.length ? this.rows.get(Math.min(...after)).node : null);
  }

  drop(number) {
    const { node, cells } = this.rows.get(number);
    cells.forEach((cell) => cell.close());
    node.remove();
    this.rows.delete(number);
  }

  clear() {
    for (const number of [...this.rows.keys()]) this.drop(number);
  }

  find(index) {
    return this.element.querySelector(`[data-index="${index}"]`);
  }

  focused(event) {
    const index = Number(event.target.closest("[data-index]")?.dataset.index ?? NaN);
    if (Number.isNaN(index)) return;
    const before = this.find(this.active);
    if (before) before.tabIndex = -1;
    this.active = index;
    this.find(index).tabIndex = 0;
  }

  /** Bring a place into the window and give it the focus. */
  focus(index) {
    this.active = Math.max(0, Math.min(this.count - 1, index));
    const row = Math.floor(this.active / this.columns);
    const top = this.element.getBoundingClientRect().top + row * this.step;
    const ceiling = parseFloat(getComputedStyle(this.element).scrollMarginTop) || 0;
    const below = top + this.step - window.innerHeight;
    if (top < ceiling) window.scrollBy(0, top - ceiling);
    else if (below > 0) window.scrollBy(0, below);
    this.draw();
    this.find(this.active)?.focus({ preventScroll: true });
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(window.innerHeight / this.step) - 1) * this.columns;
    const moves = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, PageUp: -page, PageDown: page,
      Home: -this.active, End: this.count - 1 - this.active,
    };
    const move = moves[event.key];
    if (move === undefined || !this.count) return;
    event.preventDefault();
    const wanted = this.active + move;
    if (Math.abs(move) === 1 || (wanted >= 0 && wanted < this.count) || event.key.startsWith("Page")) this.focus(wanted);
  }
}
