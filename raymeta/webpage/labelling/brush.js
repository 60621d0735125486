// Strokes of a round brush, each of many small steps.
import { Mask } from "./corner_rule.js";

/** One stroke from where the brush is put down to where it is lifted; value: that it leaves behind. */
export class BrushStroke {
  constructor(partition, value, radius, point) {
    Object.assign(this, { partition, value, radius, last: point, before: partition.cells.slice(), rect: null });
  }

  /** Go on to a point. The rectangle that differs now, or null. */
  move(point) {
    const { partition, value, radius } = this;
    const mask = value === null ? null : brushMask(this.last, point, radius, partition.width, partition.height);
    this.last = point;
    const patch = mask && partition.paint(mask, value);
    if (patch) this.rect = union(this.rect, patch);
    return patch;
  }

  /** Everything that the stroke has changed, as one patch; null for nothing. */
  patch() {
    const { rect, before, partition } = this;
    return rect && { ...rect, before: cut(before, partition.width, rect), after: cut(partition.cells, partition.width, rect) };
  }

  /** Take it back, where it was begun with the first of two fingers. */
  cancel() {
    this.partition.cells.set(this.before);
  }
}

function union(one, other) {
  if (!one) return { left: other.left, top: other.top, width: other.width, height: other.height };
  const [left, top] = [Math.min(one.left, other.left), Math.min(one.top, other.top)];
  const right = Math.max(one.left + one.width, other.left + other.width);
  const bottom = Math.max(one.top + one.height, other.top + other.height);
  return { left, top, width: right - left, height: bottom - top };
}

function cut(cells, stride, { left, top, width, height }) {
  const part = new Uint16Array(width * height);
  for (let row = 0; row < height; row += 1) {
    const from = (top + row) * stride + left;
    part.set(cells.subarray(from, from + width), row * width);
  }
  return part;
}

/** Pixels whose centre lies within radius of the way from one point to another; null where there is none. */
export function brushMask([x1, y1], [x2, y2], radius, width, height) {
  const left = Math.max(0, Math.ceil(Math.min(x1, x2) - radius - 0.5));
  const top = Math.max(0, Math.ceil(Math.min(y1, y2) - radius - 0.5));
  const right = Math.min(width, Math.floor(Math.max(x1, x2) + radius + 0.5));
  const bottom = Math.min(height, Math.floor(Math.max(y1, y2) + radius + 0.5));
  if (right <= left || bottom <= top) return null;
  const mask = new Mask(left, top, right - left, bottom - top);
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  for (let row = top, at = 0; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1, at += 1) {
      const [px, py] = [column + 0.5 - x1, row + 0.5 - y1];
      const share = length ? Math.max(0, Math.min(1, (px * dx + py * dy) / length)) : 0;
      if ((px - share * dx) ** 2 + (py - share * dy) ** 2 <= radius * radius) mask.bits[at] = 1;
    }
  }
  return mask.bits.includes(1) ? mask : null;
}
