// A line from border to border closes along the border of the region.

/** Place along the border, clockwise from the top left corner; null for a point that isn't on it. */
export function borderPlace([x, y], width, height) {
  if (y === 0) return x;
  if (x === width) return width + y;
  if (y === height) return width + height + (width - x);
  if (x === 0) return 2 * width + height + (height - y);
  return null;
}

/** Corners that are passed on the way from one place to another, clockwise. */
function cornersBetween(from, to, width, height) {
  const whole = 2 * (width + height);
  const corners = [[width, width, 0], [width + height, width, height], [2 * width + height, 0, height], [whole, 0, 0]];
  const way = (place) => (((place - from) % whole) + whole) % whole || whole;
  const end = way(to);
  const passed = corners.map(([place, x, y]) => ({ place: way(place), point: [x, y] })).filter(({ place }) => place < end);
  return passed.sort((one, other) => one.place - other.place).map(({ point }) => point);
}

export function ringArea(ring) {
  return ring.reduce((sum, [x, y], index) => {
    const [next, below] = ring[(index + 1) % ring.length];
    return sum + x * below - next * y;
  }, 0) / 2;
}

/**
 * The ring of a line both ends of which lie on the border, closed along it so that the smaller part is inside; the larger
 * one where `other` is true. Null where an end lies elsewhere, or where no area would be inside.
 */
export function closeAlongBorder(line, width, height, other = false) {
  const first = borderPlace(line[0], width, height);
  const last = borderPlace(line.at(-1), width, height);
  if (line.length < 2 || first === null || last === null || first === last) return null;
  const clockwise = [...line, ...cornersBetween(last, first, width, height)];
  const back = [...line, ...cornersBetween(first, last, width, height).reverse()];
  const [small, large] = [clockwise, back].sort((one, two) => Math.abs(ringArea(one)) - Math.abs(ringArea(two)));
  if (Math.abs(ringArea(small)) < 1e-6) return null;
  return other ? large : small;
}
