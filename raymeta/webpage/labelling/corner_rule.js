// The corner rule, as raymeta/exchange/rasterizer.py has it: a pixel belongs to rings if its centre is inside, half-open.

/** Pixels of a raster: bits (height · width) of 0 and 1, whose first is at (left, top). */
export class Mask {
  constructor(left, top, width, height, bits = new Uint8Array(width * height)) {
    Object.assign(this, { left, top, width, height, bits });
  }

  has(x, y) {
    const column = x - this.left;
    const row = y - this.top;
    return column >= 0 && row >= 0 && column < this.width && row < this.height && this.bits[row * this.width + column] === 1;
  }

  get count() {
    let count = 0;
    for (const bit of this.bits) count += bit;
    return count;
  }

  /** All of this mask's pixels and all of another's. */
  with(other) {
    const left = Math.min(this.left, other.left);
    const top = Math.min(this.top, other.top);
    const right = Math.max(this.left + this.width, other.left + other.width);
    const bottom = Math.max(this.top + this.height, other.top + other.height);
    const both = new Mask(left, top, right - left, bottom - top);
    for (const part of [this, other]) part.each((x, y) => (both.bits[(y - top) * both.width + x - left] = 1));
    return both;
  }

  each(visit) {
    for (let row = 0, at = 0; row < this.height; row += 1) {
      for (let column = 0; column < this.width; column += 1, at += 1) if (this.bits[at]) visit(this.left + column, this.top + row);
    }
  }
}

/** The mask of rings [[x, y], …], even-odd, inside a raster of this size; null where it has no pixel. */
export function ringsMask(rings, width, height) {
  const points = rings.flat();
  if (!points.length) return null;
  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
  const span = (axis, size) => {
    const values = points.map((point) => point[axis]);
    const low = values.reduce((one, other) => Math.min(one, other));
    const high = values.reduce((one, other) => Math.max(one, other));
    const first = clamp(Math.ceil(low - 0.5), 0, size);
    return [first, clamp(Math.ceil(high - 0.5), first, size)];
  };
  const [left, right] = span(0, width);
  const [top, bottom] = span(1, height);
  if (left === right || top === bottom) return null;
  const columns = right - left + 1; // one more, for crossings beyond the last pixel
  const parity = new Uint8Array((bottom - top) * columns);
  for (const ring of rings) {
    ring.forEach((start, index) => edge(start, ring[(index + 1) % ring.length], (row, column) => {
      parity[(row - top) * columns + clamp(column, left, right) - left] ^= 1;
    }, top, bottom));
  }
  const mask = new Mask(left, top, right - left, bottom - top);
  for (let row = 0; row < mask.height; row += 1) {
    for (let column = 0, inside = 0; column < mask.width; column += 1) {
      inside ^= parity[row * columns + column];
      mask.bits[row * mask.width + column] = inside;
    }
  }
  return mask.bits.includes(1) ? mask : null;
}

/** Rows whose scan line an edge crosses, with the first column beyond the crossing. */
function edge(start, end, visit, top, bottom) {
  let [x1, y1, x2, y2] = [...start, ...end];
  // Two shapes that share an edge run along it in opposite ways: with one order of its ends, both compute the same crossing.
  if (y2 < y1 || (y2 === y1 && x2 < x1)) [x1, y1, x2, y2] = [x2, y2, x1, y1];
  const first = Math.max(Math.ceil(y1 - 0.5), top);
  const stop = Math.min(Math.ceil(y2 - 0.5), bottom);
  for (let row = first; row < stop; row += 1) {
    const x = x1 + ((row + 0.5 - y1) * (x2 - x1)) / (y2 - y1);
    visit(row, Math.ceil(x - 0.5));
  }
}
