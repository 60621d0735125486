// Paints a picture with the outline of the segment whose class is asked, and the pixel that stands for it where it is mixed.
import { rasterView } from "./region_painting.js";

const INK = "rgb(5 10 16 / 85%)";
const LINE = "#ffe14d";
const AROUND = "rgb(6 10 16 / 38%)"; // over what isn't asked
const RADIUS = 12; // screen pixels of the ring around the pixel
const FREE = 5; // screen pixels between the pixel and its ring, at least

/** scene: {bitmap, place, segment: {rings, point}, hidden, ringed: whether the pixel is marked}. view: of the picture. */
export function paintSegment(context, view, { bitmap, place, segment, hidden, ringed }) {
  const { width, height } = bitmap;
  context.imageSmoothingEnabled = view.scale < 4;
  context.drawImage(bitmap, view.x, view.y, width * view.scale, height * view.scale);
  if (hidden) return;
  const outline = outlineOf(segment, place, view);
  const around = new Path2D(outline);
  around.rect(view.x, view.y, width * view.scale, height * view.scale);
  context.fillStyle = AROUND;
  context.fill(around, "evenodd");
  stroke(context, outline, 4.5, 2);
  if (ringed && segment.point) stroke(context, ringOf(segment.point, place, view), 5, 2);
}

/** Rings of the stored image as a path on the screen. */
function outlineOf({ rings }, { picture }, view) {
  const path = new Path2D();
  for (const ring of rings) {
    ring.forEach(([x, y], at) => path[at ? "lineTo" : "moveTo"](view.x + (x - picture.left) * view.scale, view.y + (y - picture.top) * view.scale));
    path.closePath();
  }
  return path;
}

function ringOf({ row, column }, place, view) {
  const { scale, x, y } = rasterView(view, place);
  const path = new Path2D();
  path.arc(
    x + (column - place.region.left + 0.5) * scale, y + (row - place.region.top + 0.5) * scale, Math.max(RADIUS, scale * Math.SQRT1_2 + FREE), 0, 2 * Math.PI);
  return path;
}

function stroke(context, path, dark, bright) {
  for (const [colour, width] of [[INK, dark], [LINE, bright]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width, lineJoin: "round" });
    context.stroke(path);
  }
}
