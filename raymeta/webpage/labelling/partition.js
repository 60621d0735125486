// The labels of a region as a planar partition: every pixel has one value, so neighbours share their borders exactly.
import { components, nextOf, segmentMask } from "./crack_outlines.js";

/** Values beside class ids. */
export const VOID = 254;
export const UNCOVERED = 255;

const VALUE = 0xff;
const TOUCHED = 0x100; // somebody has drawn or confirmed it
const PART = 9; // from this bit on: which side of the cuts it lies on
const PARTS = 128;

/** cells: value | touched | part, row by row. */
export class Partition {
  /** values: (height · width) class ids, VOID or UNCOVERED to start with; nobody has touched them. */
  constructor(width, height, values = null) {
    Object.assign(this, { width, height });
    this.cells = new Uint16Array(width * height).fill(UNCOVERED);
    if (values) this.cells.set(values);
    this.parts = 0;
  }

  value(at) {
    return this.cells[at] & VALUE;
  }

  touched(at) {
    return (this.cells[at] & TOUCHED) !== 0;
  }

  valueAt(x, y) {
    return this.value(y * this.width + x);
  }

  /** (height · width) values. */
  values() {
    return Uint8Array.from(this.cells, (cell) => cell & VALUE);
  }

  /** Pixels without a class, and those that nobody has touched though they have one. */
  count() {
    let [uncovered, untouched] = [0, 0];
    for (let at = 0; at < this.cells.length; at += 1) {
      if ((this.cells[at] & VALUE) === UNCOVERED) uncovered += 1;
      else if (!(this.cells[at] & TOUCHED)) untouched += 1;
    }
    return { uncovered, untouched };
  }

  /** The segment under a pixel: 4-connected, of one value, on one side of the cuts. */
  segment(x, y) {
    return segmentMask(this.cells, ~TOUCHED, this.width, this.height, x, y);
  }

  /** All segments, largest first, as `components` gives them: {ids, list}; key & 255 is the value. */
  segments() {
    return components(this.cells, ~TOUCHED, this.width, this.height);
  }

  /** Give the pixels of a mask a value. A patch, or null where nothing changes. */
  paint(mask, value) {
    const painted = value === UNCOVERED ? UNCOVERED : value | TOUCHED;
    return this.change(mask, 0, painted);
  }

  /** Give a value to all pixels without a class; all: also to those that nobody has touched. {patch, pixels}, or null. */
  fillRest(value, all) {
    const { cells, width, height } = this;
    const mask = { left: 0, top: 0, width, height, bits: new Uint8Array(cells.length) };
    let pixels = 0;
    for (let at = 0; at < cells.length; at += 1) {
      const open = (cells[at] & VALUE) === UNCOVERED || (all && !(cells[at] & TOUCHED));
      if (!open) continue;
      mask.bits[at] = 1;
      pixels += 1;
    }
    return pixels ? { patch: this.paint(mask, value), pixels } : null;
  }

  /** Make the pixels of a mask a segment of their own, of the same values. */
  part(mask) {
    this.parts = (this.parts + 1) % PARTS;
    return this.change(mask, VALUE | TOUCHED, this.parts << PART);
  }

  /** Of each pixel of a mask keep some bits and set others. */
  change(mask, kept, set) {
    const { left, top, width, height, bits } = mask;
    const before = new Uint16Array(width * height);
    for (let row = 0, at = top * this.width + left; row < height; row += 1, at += this.width) before.set(this.cells.subarray(at, at + width), row * width);
    const after = before.slice();
    let differs = false;
    for (let at = nextOf(1, bits, 0, bits.length); at < bits.length;) {
      const end = nextOf(0, bits, at, bits.length);
      if (!kept) after.fill(set, at, end);
      for (; at < end && (kept || !differs); at += 1) {
        if (kept) after[at] = (before[at] & kept) | set;
        differs ||= after[at] !== before[at];
      }
      at = nextOf(1, bits, end, bits.length);
    }
    if (!differs) return null;
    const patch = { left, top, width, height, before, after };
    this.apply(patch, "after");
    return patch;
  }

  /** Put a patch's cells in place; side: "before" or "after". */
  apply(patch, side) {
    for (let row = 0; row < patch.height; row += 1) {
      const cells = patch[side].subarray(row * patch.width, (row + 1) * patch.width);
      this.cells.set(cells, (patch.top + row) * this.width + patch.left);
    }
  }
}
