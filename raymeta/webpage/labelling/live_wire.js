// Live-wire: the cheapest way along the edges of pixels, where the picture changes or the network has put a border.

const REACH = 160; // pixels around the anchor that are searched
const LARGEST = 64; // cost of an edge along which nothing changes
const SHARPNESS = 24; // a difference of so many grey values halves the cost
const PREDICTED = 0.55; // factor along a predicted border

/** rgba: (height · width · 4) of the region in the raster's pixels; predicted: (height · width) segments of the network, or null. */
export class LiveWire {
  constructor(width, height, rgba, predicted) {
    Object.assign(this, { width, height });
    this.across = new Uint8Array(width * (height + 1)).fill(LARGEST); // edges from corner (x, y) to (x + 1, y)
    this.down = new Uint8Array((width + 1) * height).fill(LARGEST); // from (x, y) to (x, y + 1)
    const price = Uint8Array.from({ length: 256 }, (_, difference) => Math.max(1, Math.round((LARGEST * SHARPNESS) / (SHARPNESS + difference))));
    const cost = (one, other) => {
      const [a, b] = [4 * one, 4 * other];
      const difference = Math.max(Math.abs(rgba[a] - rgba[b]), Math.abs(rgba[a + 1] - rgba[b + 1]), Math.abs(rgba[a + 2] - rgba[b + 2]));
      return predicted && predicted[one] !== predicted[other] ? Math.max(1, Math.round(price[difference] * PREDICTED)) : price[difference];
    };
    for (let y = 0, at = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, at += 1) {
        if (y > 0) this.across[y * width + x] = cost(at - width, at);
        if (x > 0) this.down[y * (width + 1) + x] = cost(at - 1, at);
      }
    }
  }

  /** Search from a corner of pixels, by Dijkstra with a ring of buckets; afterwards path(to) is a look-up. */
  start([x, y]) {
    const { width, height, across, down } = this;
    const [left, top] = [Math.max(0, x - REACH), Math.max(0, y - REACH)];
    const columns = Math.min(width, x + REACH) - left + 1;
    const rows = Math.min(height, y + REACH) - top + 1;
    const costs = new Uint32Array(columns * rows).fill(0xffffffff);
    const from = new Int32Array(columns * rows).fill(-1);
    const buckets = Array.from({ length: LARGEST + 1 }, () => []);
    let waiting = 0;
    const put = (at, cost, before) => {
      if (cost >= costs[at]) return;
      costs[at] = cost;
      from[at] = before;
      buckets[cost % buckets.length].push(at);
      waiting += 1;
    };
    put((y - top) * columns + x - left, 0, -1);
    for (let now = 0; waiting; now += 1) {
      const bucket = buckets[now % buckets.length];
      while (bucket.length) {
        const at = bucket.pop();
        waiting -= 1;
        if (costs[at] !== now) continue; // a cheaper way was found since
        const row = Math.floor(at / columns);
        const column = at - row * columns;
        const [h, v] = [(top + row) * width + left + column, (top + row) * (width + 1) + left + column];
        if (column + 1 < columns) put(at + 1, now + across[h], at);
        if (column > 0) put(at - 1, now + across[h - 1], at);
        if (row + 1 < rows) put(at + columns, now + down[v], at);
        if (row > 0) put(at - columns, now + down[v - width - 1], at);
      }
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
