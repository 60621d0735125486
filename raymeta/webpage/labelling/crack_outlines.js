// Components of equal cells, and outlines along the edges of their pixels: read back by the corner rule they give the pixels exactly.
import { Mask } from "./corner_rule.js";

/** The 4-connected pixels around (x, y) for which same(index) holds, as a mask; `blocked(x, y, right)` may part neighbours. */
export function componentMask(width, height, x, y, same, blocked = null) {
  const seen = new Uint8Array(width * height);
  const stack = [y * width + x];
  let [left, top, right, bottom] = [x, y, x, y];
  seen[stack[0]] = 1;
  const visit = (at, open) => {
    if (!open || seen[at] || !same(at)) return;
    seen[at] = 1;
    stack.push(at);
  };
  while (stack.length) {
    const at = stack.pop();
    const row = Math.floor(at / width);
    const column = at - row * width;
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
    visit(at - 1, column > 0 && !blocked?.(column - 1, row, true));
    visit(at + 1, column < width - 1 && !blocked?.(column, row, true));
    visit(at - width, row > 0 && !blocked?.(column, row - 1, false));
    visit(at + width, row < height - 1 && !blocked?.(column, row, false));
  }
  const mask = new Mask(left, top, right - left + 1, bottom - top + 1);
  for (let row = 0; row < mask.height; row += 1) {
    const from = (top + row) * width + left;
    mask.bits.set(seen.subarray(from, from + mask.width), row * mask.width);
  }
  return mask;
}

/** The 4-connected pixels around (x, y) whose cells agree in some bits, as a mask. */
export function segmentMask(cells, bits, width, height, x, y) {
  const marks = new Uint8Array(width * height);
  const { left, top, right, bottom } = flood(y * width + x, cells, bits, width, height, marks, 1);
  const mask = new Mask(left, top, right - left, bottom - top);
  // Nothing but the segment is marked: its rows are copied as they are.
  for (let row = top; row < bottom; row += 1) mask.bits.set(marks.subarray(row * width + left, row * width + right), (row - top) * mask.width);
  return mask;
}

/** Rings [[x, y], …] around all pixels of a mask: outer ones clockwise on the screen, holes the other way round. */
export function maskRings(mask) {
  const { left, width, height, bits } = mask;
  const at = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? bits[y * width + x] : 0);
  const seen = new Uint8Array(width * (height + 1)); // top edges of pixels that a ring has passed
  const rings = [];
  for (let row = 0; row < height; row += 1) {
    const end = (row + 1) * width;
    // Runs of pixels, found by the array itself: nine tenths of a large mask are never looked at one by one.
    for (let pixel = nextOf(1, bits, row * width, end); pixel < end;) {
      const stop = nextOf(0, bits, pixel, end);
      for (let top = openAbove(bits, pixel, stop, width); top < stop; top = openAbove(bits, top + 1, stop, width)) {
        if (!seen[top]) rings.push(walk(at, seen, width, top - row * width, row).map(([x, y]) => [x + left, y + mask.top]));
      }
      pixel = nextOf(1, bits, stop, end);
    }
  }
  return rings;
}

/** The first place from `from` on, before `end`, that holds a value; `end` where there is none. */
export function nextOf(value, cells, from, end) {
  const at = cells.subarray(from, end).indexOf(value); // the view bounds the search, which is the browser's own
  return at < 0 ? end : from + at;
}

/** The first pixel from `from` on, before `stop`, that has no pixel of the mask above it; `stop` where there is none. */
function openAbove(bits, from, stop, width) {
  return from < width || from >= stop ? Math.min(from, stop) : nextOf(0, bits, from - width, stop - width) + width;
}

/** Walk with the pixels to the right, east along this pixel's top edge first; only corners at which it turns are kept. */
function walk(at, seen, width, column, row) {
  const ring = [];
  let [x, y, direction] = [column, row, 0]; // 0 east, 1 south, 2 west, 3 north
  for (;;) {
    if (direction === 0) {
      if (seen[y * width + x]) return ring;
      seen[y * width + x] = 1;
    }
    x += [1, 0, -1, 0][direction];
    y += [0, 1, 0, -1][direction];
    const right = [at(x, y), at(x - 1, y), at(x - 1, y - 1), at(x, y - 1)][direction];
    const ahead = [at(x, y - 1), at(x, y), at(x - 1, y), at(x - 1, y - 1)][direction];
    // Where two pixels meet only by a corner, turn right: they stay two.
    const turn = !right ? 1 : ahead ? 3 : 0;
    if (!turn) continue;
    ring.push([x, y]);
    direction = (direction + turn) % 4;
  }
}

/**
 * All 4-connected components of cells that agree in some bits, largest first: {ids, list}. ids: (height · width) numbers of
 * components; list: {id, key, pixels, x, y, longest, left, top, right, bottom}, (x, y) the middle of its longest row.
 */
export function components(cells, bits, width, height) {
  const ids = new Int32Array(width * height);
  const list = [];
  for (let start = 0; start < ids.length; start += 1) {
    if (!ids[start]) list.push(flood(start, cells, bits, width, height, ids, list.length + 1));
  }
  list.sort((one, other) => other.pixels - one.pixels);
  return { ids, list };
}

/** Marks a component, a whole run of a row at once: a run is marked as a whole or not at all. */
function flood(start, cells, bits, width, height, ids, id) {
  const key = cells[start] & bits;
  const stack = [start, start]; // first and last of pixels that belong together
  const found = { id, key, pixels: 0, x: 0, y: 0, longest: 0, left: width, top: height, right: 0, bottom: 0 };
  while (stack.length) {
    let right = stack.pop();
    let left = stack.pop();
    if (ids[left]) continue;
    const row = Math.floor(left / width);
    const [first, last] = [row * width, row * width + width - 1];
    while (left > first && (cells[left - 1] & bits) === key) left -= 1;
    while (right < last && (cells[right + 1] & bits) === key) right += 1;
    ids.fill(id, left, right + 1);
    if (row > 0) beside(left - width, right - width, cells, bits, key, ids, stack);
    if (row < height - 1) beside(left + width, right + width, cells, bits, key, ids, stack);
    measure(found, left - first, right - first, row);
  }
  return found;
}

/** Push the runs of a row, between two pixels, that belong to the component and aren't marked yet. */
function beside(from, to, cells, bits, key, ids, stack) {
  // Where the row was there before, there is nothing to look at.
  for (let at = nextOf(0, ids, from, to + 1); at <= to; at += 1) {
    if (ids[at] || (cells[at] & bits) !== key) continue;
    const start = at;
    while (at < to && (cells[at + 1] & bits) === key) at += 1;
    stack.push(start, at);
  }
}

function measure(found, left, right, row) {
  const run = right - left + 1;
  found.pixels += run;
  found.left = Math.min(found.left, left);
  found.right = Math.max(found.right, right + 1);
  found.top = Math.min(found.top, row);
  found.bottom = Math.max(found.bottom, row + 1);
  if (run > found.longest) Object.assign(found, { longest: run, x: (left + right + 1) / 2, y: row + 0.5 });
}

/** The mask of one component of `components`. */
export function maskOf({ id, left, top, right, bottom }, ids, width) {
  const mask = new Mask(left, top, right - left, bottom - top);
  for (let row = top, at = 0; row < bottom; row += 1) {
    for (let column = left; column < right; column += 1, at += 1) mask.bits[at] = ids[row * width + column] === id ? 1 : 0;
  }
  return mask;
}
