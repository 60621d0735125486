// What the colours of the shown map mean.
import { swatch } from "./class_table.js";
import { scaleGradient } from "./colour_scales.js";
import { element } from "./dom.js";
import { MAPS } from "./heat_map.js";
import { percent, score } from "./number_text.js";

const BOXES = "Each place shows the box centred there, so a margin of half a box has no value.";

/** map: a HeatMap, or null where none is shown. */
export function legend(map, classes) {
  if (!map) return element("p", { class: "soft small" }, "No map is shown: pick one above.");
  const kind = MAPS.find(({ name }) => name === map.name);
  if (!kind.scale) return classLegend(map, classes);
  const scale = scaleLegend(kind, map.top);
  return kind.boxes ? element("div", {}, scale, element("p", { class: "soft small" }, BOXES)) : scale;
}

function scaleLegend(kind, top) {
  const bar = element("div", { class: "scale-bar" });
  bar.style.backgroundImage = scaleGradient(kind.scale);
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => element("span", {}, scaleText(share * top, top)));
  return element(
    "div", { class: "scale", role: "img", "aria-label": `${kind.title}: dark is 0, ${kind.low}; bright is ${scaleText(top, top)}, ${kind.high}` },
    bar, element("div", { class: "scale-marks numbers" }, ...marks),
    element("div", { class: "scale-words" }, element("span", {}, kind.low), element("span", {}, kind.high)),
  );
}

function scaleText(value, top) {
  if (value === 0) return "0";
  return top === 1 ? String(value) : score(value, 3);
}

function classLegend(map, classes) {
  const pixels = new Uint32Array(256);
  for (const id of map.values) pixels[id] += 1;
  const present = classes.filter(({ id }) => pixels[id]).sort((a, b) => pixels[b.id] - pixels[a.id]);
  const rows = present.map((entry) => element(
    "li", {}, swatch(entry.color), element("span", { class: "class-name" }, entry.name),
    element("span", { class: "soft number" }, percent(pixels[entry.id] / map.values.length)),
  ));
  return element("ul", { class: "class-list", "aria-label": "Predicted classes and their share of the pixels" }, ...rows);
}
