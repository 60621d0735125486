// What lies under the pointer: place, class, predicted IoU and priority, read from the maps that are loaded.
import { swatch } from "./class_table.js";
import { element } from "./dom.js";
import { MAPS } from "./heat_map.js";
import { fixed, score } from "./number_text.js";

/** The box whose cell of the joint map is nearest to a pixel: the one centred there, kept inside the picture. */
export function boxAround({ x, y }, frame, joint) {
  const width = frame.width - joint.width + 1;
  const keep = (at, cells) => Math.max(0, Math.min(cells - 1, Math.round(at + 0.5 - width / 2)));
  return { left: keep(x, joint.width), top: keep(y, joint.height), width };
}

/** point: {x, y} or null; maps: name → HeatMap; shown: name of the shown map. */
export function readout(point, frame, maps, shown, classes) {
  if (!point) return [element("span", { class: "readout-hint" }, "Point at the picture to read its values")];
  const parts = [element("span", { class: "place" }, `x ${point.x}  y ${point.y}`)];
  const value = (name) => (maps.get(name) ? maps.get(name).at(point.x, point.y) : null);
  const known = classes.find(({ id }) => id === value("segmentation"));
  if (known) parts.push(element("span", { class: "read-class" }, swatch(known.color), known.name));
  if (maps.get("predicted_iou")) parts.push(entry("predicted IoU", fixed(value("predicted_iou"))));
  const joint = maps.get("joint");
  if (joint) {
    const box = boxAround(point, frame, joint);
    parts.push(entry("box priority", score(joint.at(box.left, box.top))));
  }
  const kind = MAPS.find(({ name }) => name === shown);
  if (kind && maps.get(shown) && !["segmentation", "predicted_iou", "joint"].includes(shown)) {
    parts.push(entry(kind.title, fixed(value(shown))));
  }
  return parts;
}

function entry(name, text) {
  return element("span", {}, `${name} `, element("b", {}, text));
}
