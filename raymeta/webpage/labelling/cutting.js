// A line drawn across a segment cuts it in two.
import { componentMask } from "./crack_outlines.js";

/**
 * The smaller side of a segment's mask that a line cuts off; null where the line doesn't part it.
 * Two neighbouring pixels are parted where the line crosses the way between their centres an odd number of times.
 */
export function cutSide(partition, mask, line) {
  const { width, height } = partition;
  const right = new Set();
  const down = new Set();
  const toggle = (set, at) => (set.has(at) ? set.delete(at) : set.add(at));
  for (let index = 0; index + 1 < line.length; index += 1) {
    crossings(line[index], line[index + 1], (row, x) => toggle(right, row * width + Math.ceil(x - 0.5) - 1));
    crossings([...line[index]].reverse(), [...line[index + 1]].reverse(), (column, y) => toggle(down, (Math.ceil(y - 0.5) - 1) * width + column));
  }
  const blocked = (x, y, toRight) => (toRight ? right : down).has(y * width + x);
  const inside = (at) => mask.has(at % width, Math.floor(at / width));
  const start = mask.bits.indexOf(1);
  const side = componentMask(width, height, mask.left + (start % mask.width), mask.top + Math.floor(start / mask.width), inside, blocked);
  const [whole, pixels] = [mask.count, side.count];
  if (pixels === whole) return null;
  if (2 * pixels <= whole) return side;
  // What the line left over may be several parts: the rest is all of them.
  side.each((x, y) => (mask.bits[(y - mask.top) * mask.width + x - mask.left] = 0));
  return mask;
}

/** Scan lines y = row + 0.5 that an edge crosses, and where. */
function crossings([x1, y1], [x2, y2], visit) {
  if (y1 > y2) [x1, y1, x2, y2] = [x2, y2, x1, y1];
  for (let row = Math.ceil(y1 - 0.5); row < Math.ceil(y2 - 0.5); row += 1) visit(row, x1 + ((row + 0.5 - y1) * (x2 - x1)) / (y2 - y1));
}
