// Paints a picture with a ring and a cross-hair around the pixel whose class is asked, which stays free.
import { rasterView } from "./region_painting.js";

const RADIUS = 20; // screen pixels of the ring, at least
const FREE = 7; // screen pixels between the asked pixel and the ring, at least
const TICK = 14; // screen pixels of the cross-hair's lines, outside the ring
const OUTLINED = 5; // screen pixels of one of the data set from which on its outline is drawn
const INK = "rgb(5 10 16 / 85%)";
const LINE = "#ffe14d";

/** scene: {bitmap, place, point: {row, column}, hidden}. view: of the picture. */
export function paintPoint(context, view, { bitmap, place, point, hidden }) {
  context.imageSmoothingEnabled = view.scale < 4;
  context.drawImage(bitmap, view.x, view.y, bitmap.width * view.scale, bitmap.height * view.scale);
  if (hidden) return;
  const { scale, x, y } = rasterView(view, place);
  const [left, top] = [x + (point.column - place.region.left) * scale, y + (point.row - place.region.top) * scale];
  const radius = Math.max(RADIUS, scale * Math.SQRT1_2 + FREE);
  context.beginPath();
  context.arc(left + scale / 2, top + scale / 2, radius, 0, 2 * Math.PI);
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(left + scale / 2 + dx * radius, top + scale / 2 + dy * radius);
    context.lineTo(left + scale / 2 + dx * (radius + TICK), top + scale / 2 + dy * (radius + TICK));
  }
  stroke(context, 5.5, 2.25);
  if (scale < OUTLINED) return;
  context.beginPath();
  context.rect(left - 1.5, top - 1.5, scale + 3, scale + 3);
  stroke(context, 3, 1.25);
}

function stroke(context, dark, bright) {
  for (const [colour, width] of [[INK, dark], [LINE, bright]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
}
