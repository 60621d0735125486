// One region in work: tools act on its partition, each stroke can be taken back, each click is counted.
import { closeAlongBorder, borderPlace } from "./border_closing.js";
import { BrushStroke } from "./brush.js";
import { maskOf, maskRings } from "./crack_outlines.js";
import { ringsMask } from "./corner_rule.js";
import { cutSide } from "./cutting.js";
import { Effort } from "./effort.js";
import { History } from "./history.js";
import { LiveWire } from "./live_wire.js";
import { Partition, UNCOVERED } from "./partition.js";
import { snap } from "./snapping.js";

export const TOOLS = ["segment", "polygon", "cut", "brush", "eraser"];
const LINES = new Set(["polygon", "cut"]);
const RADII = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];
const KEPT_RINGS = 200; // drawn outlines that later ones snap to

/** Events: "change" (its `rect` of pixels, or null for none) after which the picture differs. All points are in pixels of the raster. */
export class Editor extends EventTarget {
  /**
   * start: {width, height, values or cells, effort}. rgba(): (height · width · 4) of the picture; predicted: (height · width)
   * segment numbers, or null. value: the class that is chosen.
   */
  constructor({ width, height, values = null, cells = null, effort = {}, rgba = null, predicted = null, value = null }) {
    super();
    Object.assign(this, { width, height, value });
    this.partition = new Partition(width, height, values);
    if (cells) this.partition.cells.set(cells);
    this.history = new History(this.partition);
    this.effort = new Effort(effort);
    this.newWire = rgba && (() => new LiveWire(width, height, rgba(), predicted)); // large pictures take a while: made when it is wanted
    this.tool = "segment";
    this.radius = 2;
    this.anchor = null; // where the live-wire has searched from
    this.clear();
  }

  /** Drop what is being drawn and what is selected. */
  clear() {
    this.selection = null;
    this.line = []; // points of the line that is being drawn
    this.parts = []; // how many points each click has added
    this.preview = null; // {points, kind} from the last point to the pointer
    this.otherSide = false;
    this.stroke = null;
  }

  notify(rect = null) {
    this.dispatchEvent(Object.assign(new Event("change"), { rect }));
  }

  count(kind, number = 1) {
    this.effort.add(kind, performance.now(), number);
  }

  setTool(tool) {
    this.tool = tool === this.tool ? "segment" : tool;
    this.line = [];
    this.parts = [];
    this.preview = null;
    if (this.tool !== "segment") this.selection = null;
    this.notify();
  }

  /** Larger (1) or smaller (-1) brush. */
  resize(step) {
    const at = RADII.indexOf(this.radius);
    this.radius = RADII[Math.max(0, Math.min(RADII.length - 1, at + step))];
    this.notify();
  }

  cellAt = (x, y) => this.partition.cells[y * this.width + x] & ~0x100;

  /** Outlines of what was drawn, newest last. */
  get rings() {
    return this.history.strokes.slice(-KEPT_RINGS).filter(({ kind }) => kind === "polygon").flatMap(({ rings }) => rings);
  }

  snapped(point, { radius, alt = false }) {
    const { width, height, line, cellAt } = this;
    return snap(point, { width, height, radius, rings: this.rings, line, cellAt, off: alt });
  }

  // Lines

  /** The pointer moves: show where a click would land. how: {radius, alt, shift}. */
  hover(point, how) {
    if (!LINES.has(this.tool)) return;
    const snapped = this.snapped(point, how);
    this.preview = this.way(snapped, how);
    this.notify();
  }

  /** {points, kind, wire}: from the last point of the line to where the pointer is. */
  way(snapped, { shift }) {
    const last = this.line.at(-1);
    const wire = Boolean(shift && last && this.newWire && this.tool === "polygon");
    if (!wire) return { points: [snapped.point], kind: snapped.kind, wire };
    if (this.anchor !== last) {
      this.anchor = last;
      this.wire ??= this.newWire();
      this.wire.start(last.map(Math.round));
    }
    const points = this.wire.path(snapped.point);
    if (snapped.kind !== "free") points.push(snapped.point);
    return { points, kind: snapped.kind, wire };
  }

  /** A click. how: {radius, alt, shift, double}. */
  click(point, how) {
    if (this.tool === "segment") return this.select(point, how);
    if (!LINES.has(this.tool)) return undefined;
    if (how.double && this.line.length > 1) {
      this.count("close");
      return this.finish();
    }
    const snapped = this.snapped(point, how);
    if (snapped.kind === "first") {
      this.count("close");
      return this.finish();
    }
    const { points, wire } = this.way(snapped, how);
    const start = this.line.length;
    this.line.push(...points.filter(([x, y], at) => at > 0 || !start || x !== this.line.at(-1)[0] || y !== this.line.at(-1)[1]));
    if (this.line.length === start) return undefined; // the same place once more
    this.parts.push(this.line.length - start);
    this.count(this.tool === "cut" ? "cut" : wire ? "livewire" : borderPlace(snapped.point, this.width, this.height) === null ? "vertex" : "crossing");
    this.preview = null;
    if (this.tool === "polygon" && start && this.closing()) return this.finish();
    return this.notify();
  }

  /** The ring of the line, where it goes from border to border. */
  closing() {
    return closeAlongBorder(this.line, this.width, this.height, this.otherSide);
  }

  /** Close the line, or cut along it. */
  finish() {
    const { line, tool } = this;
    this.preview = null;
    if (tool === "cut") return this.cut();
    if (line.length < 3 && !this.closing()) return this.notify();
    const ring = this.closing() ?? line;
    this.line = [];
    this.parts = [];
    const mask = ringsMask([ring], this.width, this.height);
    if (!mask) return this.notify();
    this.drawn = { line, ring };
    return this.fill(mask, "polygon", [ring]);
  }

  /** The other side of the line that was closed along the border last. */
  swapSide() {
    this.otherSide = !this.otherSide;
    const last = this.history.strokes.at(-1);
    if (last?.kind !== "polygon" || !this.drawn || last.rings[0] !== this.drawn.ring) return this.notify();
    const ring = closeAlongBorder(this.drawn.line, this.width, this.height, this.otherSide);
    const mask = ring && ringsMask([ring], this.width, this.height);
    if (!mask) return this.notify();
    this.history.undo();
    this.notify(last.patch);
    this.drawn.ring = ring;
    return this.fill(mask, "polygon", [ring]);
  }

  /** Give pixels the chosen class; without one they are selected, and the next class that is chosen is theirs. */
  fill(mask, kind, rings) {
    this.selection = this.value === null ? mask : null;
    this.otherSide = false;
    const patch = this.value === null ? null : this.partition.paint(mask, this.value);
    if (patch) this.keep({ kind, value: this.value, rings, patch });
    else this.notify();
    return mask;
  }

  keep(stroke) {
    this.history.add(stroke);
    this.notify(stroke.patch);
  }

  cut() {
    const { line } = this;
    this.line = [];
    this.parts = [];
    const middle = this.selection ?? this.longestCrossed(line);
    const side = middle && cutSide(this.partition, middle, line);
    const patch = side && this.partition.part(side);
    if (!patch) return this.notify();
    this.selection = side;
    this.tool = "segment";
    this.keep({ kind: "cut", value: null, rings: maskRings(side), patch });
    return side;
  }

  /** The segment of which a line crosses most. */
  longestCrossed(line) {
    const lengths = new Map();
    for (let index = 0; index + 1 < line.length; index += 1) {
      const [[x1, y1], [x2, y2]] = [line[index], line[index + 1]];
      const steps = Math.ceil(Math.hypot(x2 - x1, y2 - y1) * 2);
      for (let step = 0; step < steps; step += 1) {
        const share = (step + 0.5) / steps;
        const x = Math.min(this.width - 1, Math.floor(x1 + share * (x2 - x1)));
        const y = Math.min(this.height - 1, Math.floor(y1 + share * (y2 - y1)));
        const key = this.cellAt(x, y);
        const known = lengths.get(key) ?? { steps: 0, x, y };
        known.steps += 1;
        lengths.set(key, known);
      }
    }
    const best = [...lengths.values()].sort((one, other) => other.steps - one.steps)[0];
    return best ? this.partition.segment(best.x, best.y) : null;
  }

  // Segments

  /** Select the segment under a point; with shift beside those that are selected; a double click gives it the chosen class. */
  select(point, { shift = false, double = false }) {
    const [x, y] = point.map(Math.floor);
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) {
      this.selection = null;
      return this.notify();
    }
    this.count("segment");
    if (double && this.selection && this.value !== null) return this.paintSelection(this.value);
    const segment = this.partition.segment(x, y);
    this.selection = shift && this.selection ? this.selection.with(segment) : segment;
    return this.notify();
  }

  /** Select the next segment by size, for who works without a pointer. */
  selectNext(step) {
    const { ids, list } = this.partition.segments();
    this.at = ((((this.at ?? (step > 0 ? -1 : 0)) + step) % list.length) + list.length) % list.length;
    this.count("segment");
    this.selection = maskOf(list[this.at], ids, this.width);
    this.notify();
  }

  /** A class was chosen: what is selected gets it, and so does what is drawn from now on. */
  chooseClass(value) {
    this.value = value;
    this.count("class");
    if (this.selection) this.paintSelection(value);
    else this.notify();
  }

  paintSelection(value) {
    const patch = this.partition.paint(this.selection, value);
    if (patch) this.keep({ kind: "segment", value, rings: null, patch });
    else this.notify();
  }

  /** Leave what is selected without a class. */
  remove() {
    if (!this.selection) return;
    this.count("delete");
    const patch = this.partition.paint(this.selection, UNCOVERED);
    if (patch) this.keep({ kind: "delete", value: UNCOVERED, rings: null, patch });
  }

  /** Every pixel without a class gets the chosen one; all: also those that only the network has labelled. Pixels painted. */
  fillRest(all = false) {
    if (this.value === null) return 0;
    this.count("fill");
    this.selection = null;
    const filled = this.partition.fillRest(this.value, all);
    if (filled?.patch) this.keep({ kind: "fill", value: this.value, rings: null, patch: filled.patch });
    return filled?.pixels ?? 0;
  }

  // Brush

  /** A stroke of brush or eraser begins, goes on to a point, or ends. */
  brush(point, phase) {
    const { partition, radius } = this;
    if (phase === "start") this.stroke = new BrushStroke(partition, this.tool === "eraser" ? UNCOVERED : this.value, radius, point);
    if (!this.stroke) return;
    const rect = this.stroke.move(point);
    if (rect) this.notify(rect);
    if (phase === "end") this.endBrush();
  }

  endBrush() {
    const { value } = this.stroke;
    const patch = this.stroke.patch();
    this.stroke = null;
    this.count(this.tool === "eraser" ? "erase" : "brush");
    if (patch) this.keep({ kind: this.tool, value, rings: null, patch });
  }

  /** Take a stroke back that was begun with the first of two fingers. */
  cancelBrush() {
    const { stroke } = this;
    this.stroke = null;
    stroke?.cancel();
    if (stroke?.rect) this.notify(stroke.rect);
  }

  // Back and forth

  /** Take the last point or stroke back. False where there is nothing. */
  undo() {
    if (this.line.length) {
      this.count("undo");
      this.line.splice(-this.parts.pop());
      this.preview = null;
      this.notify();
      return true;
    }
    return this.moved(this.history.undo(), "undo");
  }

  redo() {
    return this.moved(this.history.redo(), "redo");
  }

  moved(stroke, kind) {
    if (!stroke) return false;
    this.count(kind);
    this.selection = null;
    this.notify(stroke.patch);
    return true;
  }
}
