// Where a click lands: on a vertex, an edge or the border of the region that is close on the screen, else where it was.
const EPSILON = 1e-9;

/** The point of a segment that is nearest to a point. */
function nearestOnEdge([x, y], [x1, y1], [x2, y2]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const share = length < EPSILON ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length));
  return [x1 + share * dx, y1 + share * dy];
}

const distance = ([x, y], [a, b]) => Math.hypot(x - a, y - b);

/** The nearest of some points within a radius, or null. */
function nearest(point, others, radius) {
  let best = null;
  let least = radius;
  for (const other of others) {
    const away = distance(point, other);
    if (away <= least) [best, least] = [other, away];
  }
  return best;
}

/**
 * Snap a point: {point, kind: "first" | "vertex" | "border" | "edge" | "free"}.
 * radius: in pixels of the raster. rings: drawn so far, whose vertices and edges are exact; line: the one being drawn.
 * cellAt(x, y): what the partition shows, whose edges between pixels are edges too. A point outside lands on the border.
 */
export function snap(point, { width, height, radius, rings, line, cellAt, off = false }) {
  const inside = [Math.max(0, Math.min(width, point[0])), Math.max(0, Math.min(height, point[1]))];
  const outside = inside[0] !== point[0] || inside[1] !== point[1];
  if (off) return { point: inside, kind: outside ? "border" : "free" };
  if (line.length > 2 && distance(inside, line[0]) <= radius) return { point: line[0], kind: "first" };
  const corners = [[0, 0], [width, 0], [width, height], [0, height]];
  const vertex = nearest(inside, [...corners, ...rings.flat(), ...line.slice(0, -1)], radius);
  if (vertex) return { point: [...vertex], kind: "vertex" };
  const sides = [[inside[0], 0], [width, inside[1]], [inside[0], height], [0, inside[1]]];
  const side = nearest(inside, sides, outside ? Infinity : radius);
  if (side) return { point: borderJunction(side, radius, width, height, cellAt) ?? side, kind: "border" };
  const edges = rings.flatMap((ring) => ring.map((start, index) => nearestOnEdge(inside, start, ring[(index + 1) % ring.length])));
  const drawn = nearest(inside, edges, radius);
  if (drawn) return { point: drawn, kind: "edge" };
  const crack = nearestCrack(inside, radius, width, height, cellAt);
  return crack ? { point: crack, kind: "edge" } : { point: inside, kind: "free" };
}

/** On the border: the place where two segments meet, if one is near. */
function borderJunction([x, y], radius, width, height, cellAt) {
  const horizontal = y === 0 || y === height;
  const along = horizontal ? x : y;
  const size = horizontal ? width : height;
  const row = Math.min(y, height - 1);
  const column = Math.min(x, width - 1);
  const cell = (place) => (horizontal ? cellAt(place, row) : cellAt(column, place));
  const places = [];
  for (let place = Math.max(1, Math.ceil(along - radius)); place <= Math.min(size - 1, along + radius); place += 1) {
    if (cell(place - 1) !== cell(place)) places.push(horizontal ? [place, y] : [x, place]);
  }
  return nearest([x, y], places, radius);
}

/** The nearest corner at which three segments meet, else the nearest point on an edge between two pixels of different cells. */
function nearestCrack(point, radius, width, height, cellAt) {
  const [x, y] = point;
  const junctions = [];
  const cracks = [];
  for (let row = Math.max(1, Math.floor(y - radius)); row <= Math.min(height - 1, Math.ceil(y + radius)); row += 1) {
    for (let column = Math.max(1, Math.floor(x - radius)); column <= Math.min(width - 1, Math.ceil(x + radius)); column += 1) {
      const around = [cellAt(column - 1, row - 1), cellAt(column, row - 1), cellAt(column, row), cellAt(column - 1, row)];
      const kinds = new Set(around).size;
      if (kinds > 2) junctions.push([column, row]);
      if (around[0] !== around[1]) cracks.push(nearestOnEdge(point, [column, row - 1], [column, row]));
      if (around[3] !== around[2]) cracks.push(nearestOnEdge(point, [column, row], [column, row + 1]));
      if (around[0] !== around[3]) cracks.push(nearestOnEdge(point, [column - 1, row], [column, row]));
      if (around[1] !== around[2]) cracks.push(nearestOnEdge(point, [column, row], [column + 1, row]));
    }
  }
  return nearest(point, junctions, radius) ?? nearest(point, cracks, radius);
}
