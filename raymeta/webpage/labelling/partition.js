// The labels of a region as a planar partition: every pixel has one value, so neighbours share their borders exactly.
import { componentMask, components } from "./crack_outlines.js";

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

  count(holds) {
    let count = 0;
    for (const cell of this.cells) if (holds(cell & VALUE, (cell & TOUCHED) !== 0)) count += 1;
    return count;
  }

  /** The segment under a pixel: 4-connected, of one value, on one side of the cuts. */
  segment(x, y) {
    const key = this.cells[y * this.width + x] & ~TOUCHED;
    return componentMask(this.width, this.height, x, y, (at) => (this.cells[at] & ~TOUCHED) === key);
  }

  /** All segments, largest first, as `components` gives them: {ids, list}; key & 255 is the value. */
  segments() {
    return components(this.width, this.height, (at) => this.cells[at] & ~TOUCHED);
  }

  /** Give the pixels of a mask a value; allowed(at) may leave some out. A patch, or null where nothing changes. */
  paint(mask, value, allowed = null) {
    return this.change(mask, (cell, at) => (allowed && !allowed(at) ? cell : value === UNCOVERED ? UNCOVERED : value | TOUCHED));
  }

  /** Make the pixels of a mask a segment of their own, of the same values. */
  part(mask) {
    this.parts = (this.parts + 1) % PARTS;
    return this.change(mask, (cell) => (cell & (VALUE | TOUCHED)) | (this.parts << PART));
  }

  change(mask, after) {
    const { left, top, width, height, bits } = mask;
    const patch = { left, top, width, height, before: new Uint16Array(width * height), after: new Uint16Array(width * height) };
    let differs = false;
    for (let row = 0, inMask = 0; row < height; row += 1) {
      for (let column = 0, at = (top + row) * this.width + left; column < width; column += 1, at += 1, inMask += 1) {
        const cell = this.cells[at];
        patch.before[inMask] = cell;
        patch.after[inMask] = bits[inMask] ? after(cell, at) : cell;
        differs ||= patch.after[inMask] !== cell;
      }
    }
    if (!differs) return null;
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
