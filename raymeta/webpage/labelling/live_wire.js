// Live-wire: the cheapest way along the edges of pixels, where the picture changes or the network has put a border.

const REACH = 160; // pixels around the anchor that are searched
const FLAT = 1; // cost of an edge along which nothing changes
const SHARPNESS = 24; // a difference of so many grey values halves the cost
const PREDICTED = 0.55; // factor along a predicted border
const STEPS = 64; // a cost of FLAT in whole numbers, for the buckets

/** What pixels look like: rgba of the region in the raster's pixels; cellAt(at): the segment that the network has put there. */
export class LiveWire {
  constructor(width, height, rgba, predicted) {
    Object.assign(this, { width, height, rgba, predicted });
  }

  /** Whole cost of the edge between two pixels; the border of the region costs as much as no edge. */
  cost(inside, one, other) {
    if (!inside) return STEPS * FLAT;
    const { rgba } = this;
    let difference = 0;
    for (let channel = 0; channel < 3; channel += 1) difference = Math.max(difference, Math.abs(rgba[4 * one + channel] - rgba[4 * other + channel]));
    const factor = this.predicted && this.predicted[one] !== this.predicted[other] ? PREDICTED : 1;
    return Math.max(1, Math.round((STEPS * FLAT * factor * SHARPNESS) / (SHARPNESS + difference)));
  }

  /** Search from a corner of pixels; afterwards path(to) is a look-up. */
  start([x, y]) {
    const { width, height } = this;
    const left = Math.max(0, x - REACH);
    const top = Math.max(0, y - REACH);
    const columns = Math.min(width, x + REACH) - left + 1;
    const rows = Math.min(height, y + REACH) - top + 1;
    const costs = new Uint32Array(columns * rows).fill(0xffffffff);
    const from = new Int32Array(columns * rows).fill(-1);
    const buckets = [];
    const put = (at, cost, before) => {
      if (cost >= costs[at]) return;
      costs[at] = cost;
      from[at] = before;
      (buckets[cost] ??= []).push(at);
    };
    put((y - top) * columns + x - left, 0, -1);
    for (let cost = 0; cost < buckets.length; cost += 1) {
      for (const at of buckets[cost] ?? []) {
        if (costs[at] !== cost) continue;
        const row = Math.floor(at / columns);
        const column = at - row * columns;
        const [cx, cy] = [left + column, top + row];
        const pixel = cy * width + cx; // right below this corner
        if (column + 1 < columns) put(at + 1, cost + this.cost(cy > 0 && cy < height, pixel - width, pixel), at);
        if (column > 0) put(at - 1, cost + this.cost(cy > 0 && cy < height, pixel - width - 1, pixel - 1), at);
        if (row + 1 < rows) put(at + columns, cost + this.cost(cx > 0 && cx < width, pixel - 1, pixel), at);
        if (row > 0) put(at - columns, cost + this.cost(cx > 0 && cx < width, pixel - width - 1, pixel - width), at);
      }
      buckets[cost] = undefined;
    }
    this.found = { left, top, columns, rows, from };
  }

  /** Corners from the anchor to the one nearest to a point, both ends included; those on a straight way left out. */
  path([x, y]) {
    const { left, top, columns, rows, from } = this.found;
    const column = Math.max(0, Math.min(columns - 1, Math.round(x) - left));
    const row = Math.max(0, Math.min(rows - 1, Math.round(y) - top));
    const points = [];
    for (let at = row * columns + column; at >= 0; at = from[at]) points.push([left + (at % columns), top + Math.floor(at / columns)]);
    return straightened(points.reverse());
  }
}

/** The same line without the points in the middle of straight parts. */
export function straightened(points) {
  return points.filter(([x, y], index) => {
    if (index === 0 || index === points.length - 1) return true;
    const [before, after] = [points[index - 1], points[index + 1]];
    return (x - before[0]) * (after[1] - y) !== (y - before[1]) * (after[0] - x);
  });
}
