// Paints a region in work: its picture, dimmed surroundings, labels, edges, selection, the line that is being drawn.
import { maskRings } from "./crack_outlines.js";

const CRISP = 3; // from so many screen pixels to one of the raster on, edges are lines
const INK = "rgb(5 10 16 / 85%)";
const BRIGHT = "#ffffff";
const LINE = "#ffe14d";
const DIM = "rgb(6 10 16 / 62%)";
const FONT = "600 11.5px Inter, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif";

/** The view in pixels of the raster: where (0, 0) of the region lies on the screen, and how large its pixels are. */
export function rasterView(view, { region, scale, picture }) {
  return {
    scale: view.scale / scale, x: view.x + (region.left / scale - picture.left) * view.scale,
    y: view.y + (region.top / scale - picture.top) * view.scale,
  };
}

/** A point of the screen's picture in pixels of the raster. */
export function rasterPoint([x, y], { region, scale, picture }) {
  return [(picture.left + x) * scale - region.left, (picture.top + y) * scale - region.top];
}

/** A point of the raster in the stored image. */
export function storedPoint([x, y], { region, scale }) {
  return [(region.left + x) / scale, (region.top + y) / scale];
}

/** scene: {bitmap, place, editor, overlay, around, base, names, hidden, showNames, cursor, crosshair}. view: of the picture. */
export function paintRegion(context, view, scene) {
  const { place, editor } = scene;
  const here = rasterView(view, place);
  scene.base.draw(context, view, scene.hidden);
  if (editor.selection) paintSelection(context, here, editor.selection);
  if (!scene.hidden && scene.showNames) for (const name of scene.names) paintName(context, here, name, editor);
  paintLine(context, here, editor);
  if (scene.cursor) paintCursor(context, here, editor, scene.cursor);
  if (scene.crosshair) paintCrosshair(context, here, scene.crosshair);
}

/** A rectangle of the raster on the screen: left, top, right and bottom, with the pixel before, whose edges change with it. */
export function onScreen({ left, top, width, height }, view, place) {
  const { scale, x, y } = rasterView(view, place);
  return [x + (left - 1) * scale, y + (top - 1) * scale, x + (left + width + 1) * scale, y + (top + height + 1) * scale];
}

/** What lies below selection and lines. */
export function paintBase(context, view, scene) {
  const { bitmap, place, editor, overlay } = scene;
  const here = rasterView(view, place);
  const [width, height] = [editor.width * here.scale, editor.height * here.scale];
  context.imageSmoothingEnabled = view.scale < 4;
  context.drawImage(bitmap, view.x, view.y, bitmap.width * view.scale, bitmap.height * view.scale);
  context.imageSmoothingEnabled = false;
  if (scene.around && !scene.hidden) paintAround(context, view, scene);
  dimOutside(context, view, bitmap, [here.x, here.y, width, height]);
  if (!scene.hidden) {
    context.drawImage(overlay.canvas, here.x, here.y, width, height);
    if (here.scale < CRISP) context.drawImage(overlay.edges, here.x, here.y, width, height);
    else strokeCracks(context, here, editor, context.canvas, (x, y) => editor.cellAt(x, y));
  }
  frame(context, here.x, here.y, width, height);
}

function paintAround(context, view, { around, place: { scale, picture } }) {
  context.globalAlpha = 0.45;
  const unit = view.scale / scale;
  context.drawImage(around.canvas, view.x + (around.left - picture.left * scale) * unit, view.y + (around.top - picture.top * scale) * unit, around.canvas.width * unit, around.canvas.height * unit);
  context.globalAlpha = 1;
}

function dimOutside(context, view, bitmap, box) {
  context.beginPath();
  context.rect(view.x, view.y, bitmap.width * view.scale, bitmap.height * view.scale);
  context.rect(...box);
  context.fillStyle = DIM;
  context.fill("evenodd");
}

function frame(context, x, y, width, height) {
  for (const [colour, line] of [[INK, 4], [BRIGHT, 1.75]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: line });
    context.strokeRect(x, y, width, height);
  }
}

/** Lines between pixels of different cells, in the part of the region that is on screen; runs of them at once. */
function strokeCracks(context, here, { width, height }, screen, cellAt) {
  const first = (from) => Math.max(0, Math.floor(-from / here.scale));
  const end = (from, room, size) => Math.min(size, Math.ceil((room - from) / here.scale) + 1);
  const [left, right] = [first(here.x), end(here.x, screen.width, width)];
  const [top, bottom] = [first(here.y), end(here.y, screen.height, height)];
  context.beginPath();
  const run = (start, stop, differs, add) => {
    for (let at = start; at < stop; at += 1) {
      if (!differs(at)) continue;
      let to = at + 1;
      while (to < stop && differs(to)) to += 1;
      add(at, to);
      at = to;
    }
  };
  for (let row = Math.max(1, top); row < bottom; row += 1) {
    run(left, right, (x) => cellAt(x, row) !== cellAt(x, row - 1), (from, to) => segment(context, here, from, row, to, row));
  }
  for (let column = Math.max(1, left); column < right; column += 1) {
    run(top, bottom, (y) => cellAt(column, y) !== cellAt(column - 1, y), (from, to) => segment(context, here, column, from, column, to));
  }
  for (const [colour, line] of [["rgb(255 255 255 / 55%)", 2.4], [INK, 1.2]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: line });
    context.stroke();
  }
}

function segment(context, { scale, x, y }, x1, y1, x2, y2) {
  context.moveTo(x + x1 * scale, y + y1 * scale);
  context.lineTo(x + x2 * scale, y + y2 * scale);
}

/** The outline of the selected pixels, bright on dark; found once for each selection. */
function paintSelection(context, here, mask) {
  mask.rings ??= maskRings(mask);
  context.beginPath();
  for (const ring of mask.rings) {
    ring.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](here.x + x * here.scale, here.y + y * here.scale));
    context.closePath();
  }
  for (const [colour, line] of [[INK, 5], [LINE, 2.5]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: line });
    context.stroke();
  }
}

function paintName(context, here, { text, x, y, room }, { width: columns, height: rows }) {
  context.font = FONT;
  const width = context.measureText(text).width + 8;
  if (width > room * here.scale || here.scale * room < 18) return;
  const kept = (at, size, all) => Math.max(2, Math.min(all * here.scale - size - 2, at * here.scale - size / 2));
  const [left, top] = [here.x + kept(x, width, columns), here.y + kept(y, 17, rows)];
  context.fillStyle = "rgb(5 10 16 / 72%)";
  context.fillRect(left, top, width, 17);
  context.fillStyle = BRIGHT;
  context.textBaseline = "middle";
  context.fillText(text, left + 4, top + 9);
}

function paintLine(context, here, { line, preview }) {
  const screen = ([x, y]) => [here.x + x * here.scale, here.y + y * here.scale];
  const points = [...line, ...(preview?.points ?? [])].map(screen);
  if (!points.length) return;
  context.beginPath();
  points.forEach((point, index) => (index ? context.lineTo(...point) : context.moveTo(...point)));
  for (const [colour, width] of [[INK, 4.5], [LINE, 2]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
  if (line.length < 60) for (const point of line.map(screen)) dot(context, point, 3.5, LINE);
  if (line.length) dot(context, screen(line[0]), 5.5, BRIGHT);
  if (preview) dot(context, points.at(-1), preview.kind === "free" ? 3 : 6, preview.kind === "free" ? LINE : "#22e3ff");
}

function dot(context, [x, y], radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  Object.assign(context, { fillStyle: colour, strokeStyle: INK, lineWidth: 1.5 });
  context.fill();
  context.stroke();
}

function paintCursor(context, here, { radius }, [x, y]) {
  context.beginPath();
  context.arc(here.x + x * here.scale, here.y + y * here.scale, radius * here.scale, 0, 2 * Math.PI);
  for (const [colour, width] of [[INK, 3], [BRIGHT, 1.25]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
}

/** Where somebody who draws by keys is. */
function paintCrosshair(context, here, [x, y]) {
  const [left, top] = [here.x + x * here.scale, here.y + y * here.scale];
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(left + 4 * dx, top + 4 * dy);
    context.lineTo(left + 16 * dx, top + 16 * dy);
  }
  for (const [colour, width] of [[INK, 5], ["#22e3ff", 2]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke();
  }
}
