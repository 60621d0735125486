// Queried boxes, labelled regions and a candidate box, drawn in screen pixels so that lines stay crisp.

const QUERY = "#22e3ff";
const CHOSEN = "#ffffff";
const INK = "rgb(5 10 16 / 85%)";
const ROOM_FOR_CLICKS = 62;
const ROOM_FOR_RANK = 22;

function place(box, view) {
  return [view.x + box.left * view.scale, view.y + box.top * view.scale, box.width * view.scale];
}

/** Boxes of the query, rank in the corner, estimated clicks where there is room; `chosen` is drawn last and brighter. */
export function drawQuery(context, view, boxes, chosen) {
  for (const box of boxes) if (box !== chosen) drawBox(context, view, box, QUERY, 1.75);
  if (chosen) drawBox(context, view, chosen, CHOSEN, 3);
}

function drawBox(context, view, box, colour, line) {
  const [x, y, side] = box.polygon ? extent(box.polygon, view) : place(box, view);
  const outline = box.polygon ? polygonPath(box.polygon, view) : squarePath(x, y, side);
  for (const [ink, thick] of [[INK, line + 2], [colour, line]]) {
    Object.assign(context, { strokeStyle: ink, lineWidth: thick, lineCap: "round" }); // a dot, of one pixel
    context.stroke(outline);
  }
  if (side >= ROOM_FOR_RANK) chip(context, `${box.rank}`, x, y, colour, side);
  if (side >= ROOM_FOR_CLICKS && !box.polygon) {
    const text = `${box.estimated_clicks} ${box.estimated_clicks === 1 ? "click" : "clicks"}`;
    chip(context, text, x, y + side - 17, "rgb(5 10 16 / 72%)", side, "#ffffff");
  }
}

function squarePath(x, y, side) {
  const path = new Path2D();
  path.rect(x, y, side, side);
  return path;
}

/** [x, y, side] of the square that holds a part, in pixels of the screen. */
function extent(rings, view) {
  const [columns, rows] = [0, 1].map((axis) => rings.flat().map((point) => point[axis]));
  const [left, top] = [Math.min(...columns), Math.min(...rows)];
  const side = Math.max(Math.max(...columns) - left, Math.max(...rows) - top) + 1;
  return [view.x + left * view.scale, view.y + top * view.scale, side * view.scale];
}

/** Rings through the centres of pixels, of a part of a tile. */
function polygonPath(rings, view) {
  const path = new Path2D();
  for (const ring of rings) {
    const [first, ...others] = ring.map(([x, y]) => [view.x + (x + 0.5) * view.scale, view.y + (y + 0.5) * view.scale]);
    path.moveTo(...first);
    for (const point of others) path.lineTo(...point);
    path.closePath();
  }
  return path;
}

function chip(context, text, x, y, back, room, ink = "#06121a") {
  context.font = "600 11.5px Inter, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 8;
  if (width > room + 2) return;
  context.fillStyle = back;
  context.fillRect(x, y, width, 17);
  context.fillStyle = ink;
  context.fillText(text, x + 4, y + 9);
}

/** Hatching over what is labelled: boxes, or the whole frame. */
export function drawLabelled(context, view, boxes, frame, wholly) {
  const areas = wholly ? [[view.x, view.y, frame.width * view.scale, frame.height * view.scale]]
    : boxes.map((box) => { const [x, y, side] = place(box, view); return [x, y, side, side]; });
  if (!areas.length) return;
  context.save();
  context.beginPath();
  for (const area of areas) context.rect(...area);
  context.clip();
  context.fillStyle = "rgb(255 255 255 / 14%)";
  for (const area of areas) context.fillRect(...area);
  for (const [colour, line] of [["rgb(5 10 16 / 45%)", 2.6], ["#ffd166", 1.1]]) hatch(context, view, frame, colour, line);
  context.restore();
  for (const [colour, line] of [[INK, 3], ["#ffd166", 1.4]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: line });
    for (const area of areas) context.strokeRect(...area);
  }
}

function hatch(context, view, frame, colour, line) {
  const step = 13;
  const [left, top, right, bottom] = [0, 0, context.canvas.width, context.canvas.height];
  Object.assign(context, { strokeStyle: colour, lineWidth: line });
  context.beginPath();
  const shift = (((view.x + view.y) % step) + step) % step;
  for (let at = left - bottom + shift; at < right; at += step) {
    context.moveTo(at + bottom, top);
    context.lineTo(at, bottom);
  }
  context.stroke();
}

/** The outline of the box that a cell of the joint map stands for. */
export function drawCandidate(context, view, box) {
  const [x, y, side] = place(box, view);
  context.save();
  Object.assign(context, { lineWidth: 3, strokeStyle: INK });
  context.strokeRect(x, y, side, side);
  Object.assign(context, { lineWidth: 1.5, strokeStyle: "#ffffff" });
  context.setLineDash([5, 4]);
  context.strokeRect(x, y, side, side);
  context.restore();
}
