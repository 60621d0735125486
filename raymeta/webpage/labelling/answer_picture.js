// An answer laid over its picture, for those who compare or review.
import { element } from "../dom.js";
import { Overlay } from "./overlay.js";
import { Partition, UNCOVERED } from "./partition.js";
import { paintPoint } from "./point_painting.js";
import { rasterView } from "./region_painting.js";
import { paintSegment } from "./segment_painting.js";

const SIDE = 960; // largest side of the canvas in pixels

/** A canvas of a task's picture: a point in its ring, or values (height · width, 255 for none) over it; marks: where something is to be seen, or null. */
export function answerPicture(bundle, values, colours, label, marks = null) {
  const { bitmap, place } = bundle;
  const { region } = place;
  const scale = Math.max(1, Math.floor(Math.min(SIDE / bitmap.width, SIDE / bitmap.height)));
  const canvas = element("canvas", { role: "img", "aria-label": label, class: "answer-canvas" });
  Object.assign(canvas, { width: bitmap.width * scale, height: bitmap.height * scale });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const { segment } = bundle.detail;
  if (segment && !marks) {
    paintSegment(context, { scale, x: 0, y: 0 }, { bitmap, place, segment, hidden: false, ringed: false });
    return canvas;
  }
  if (bundle.detail.point) {
    paintPoint(context, { scale, x: 0, y: 0 }, { bitmap, place, point: bundle.detail.point, hidden: false });
    return canvas;
  }
  const here = rasterView({ scale, x: 0, y: 0 }, place);
  const box = [here.x, here.y, region.width * here.scale, region.height * here.scale];
  context.fillStyle = "rgb(6 10 16 / 62%)";
  context.beginPath();
  context.rect(0, 0, canvas.width, canvas.height);
  context.rect(...box);
  context.fill("evenodd");
  const layer = marks ? markLayer(marks, region) : labelLayer(values, region, colours);
  for (const part of layer) context.drawImage(part, ...box);
  Object.assign(context, { strokeStyle: "#ffffff", lineWidth: 2 });
  context.strokeRect(...box);
  return canvas;
}

function labelLayer(values, { width, height }, colours) {
  const partition = new Partition(width, height, values);
  for (let at = 0; at < values.length; at += 1) if (values[at] !== UNCOVERED) partition.cells[at] |= 0x100;
  const overlay = new Overlay(width, height, colours);
  overlay.update(partition);
  return [overlay.canvas, overlay.edges];
}

/** Marked pixels in a colour that no photograph has, hatched, so that it is seen without colour too. */
function markLayer(marks, { width, height }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let at = 0; at < marks.length; at += 1) {
    if (marks[at]) pixels[at] = ((at % width) + Math.floor(at / width)) % 4 === 0 ? 0xffffffff : 0xd0e000ff;
  }
  context.putImageData(picture, 0, 0);
  return [canvas];
}
