// A map of the service as numbers and as a picture to lay over the image.
import { colourSteps } from "./colour_scales.js";

export const UNKNOWN_CLASS = 255;

/** Names, scales and wording of the maps, in the order of their keys 1 to 6. */
export const MAPS = [
  { name: "segmentation", title: "Segmentation", scale: null },
  { name: "predicted_iou", title: "Predicted IoU", scale: "quality", low: "bad", high: "good" },
  { name: "metaseg", title: "MetaSeg priority", scale: "priority", low: "leave", high: "label first" },
  { name: "clicks", title: "Clicks priority", scale: "priority", low: "many clicks", high: "few clicks" },
  { name: "joint", title: "Joint priority", scale: "priority", low: "leave", high: "label first", boxes: true },
  { name: "entropy", title: "Entropy", scale: "priority", low: "certain", high: "uncertain" },
];

/** A map: `values` (height · width) bytes, 255 = `top`, or class ids; `canvas`: the same in colours. */
export class HeatMap {
  /**
   * Decode a PNG of the service. top: the value that white stands for.
   * classes: [{id, color}] where the picture shows classes in their colours.
   */
  static async decode(name, blob, top, classes) {
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    const kind = MAPS.find((map) => map.name === name);
    const values = kind.scale ? greys(picture.data) : classIds(picture.data, classes);
    if (kind.scale) context.putImageData(tinted(picture, values, colourSteps(kind.scale)), 0, 0);
    return new HeatMap(name, canvas, values, top);
  }

  constructor(name, canvas, values, top) {
    Object.assign(this, { name, canvas, values, top, width: canvas.width, height: canvas.height });
  }

  /** Value or class id at a pixel of the map. */
  at(column, row) {
    const byte = this.values[row * this.width + column];
    return this.name === "segmentation" ? byte : (byte / 255) * this.top;
  }
}

function greys(data) {
  const values = new Uint8Array(data.length / 4);
  for (let pixel = 0; pixel < values.length; pixel += 1) values[pixel] = data[4 * pixel];
  return values;
}

function classIds(data, classes) {
  const ids = new Map(classes.map(({ id, color }) => [parseInt(color.slice(1), 16), id]));
  const values = new Uint8Array(data.length / 4);
  let [colour, id] = [-1, UNKNOWN_CLASS]; // of the pixel before: mostly the same
  for (let pixel = 0, at = 0; pixel < values.length; pixel += 1, at += 4) {
    const found = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    if (found !== colour) [colour, id] = [found, ids.get(found) ?? UNKNOWN_CLASS];
    values[pixel] = id;
  }
  return values;
}

function tinted(picture, values, steps) {
  const pixels = new Uint32Array(picture.data.buffer);
  for (let pixel = 0; pixel < values.length; pixel += 1) pixels[pixel] = steps[values[pixel]];
  return picture;
}
