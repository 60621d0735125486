// The switches of the layers: one map at a time, and two kinds of regions.
import { element } from "./dom.js";
import { MAPS } from "./heat_map.js";

/**
 * layers: {map, labelled, boxes, opacity}; available: names of the maps that can be made; hasLabels: false for own images.
 * changed(layers) is called with a new record. The returned element has `show(layers)`.
 */
export function layerList(layers, { available, hasLabels, boxesTitle, changed }) {
  let now = layers;
  const pick = (change) => {
    now = { ...now, ...change };
    show(now);
    changed(now);
  };
  const radios = [...MAPS.map(({ name, title }, index) => [name, title, index + 1]), ["none", "Picture only", null]].map(
    ([name, title, key]) => switchRow("radio", name, title, key, name === "none" || available.includes(name), () => pick({ map: name })));
  const regions = [["labelled", "Labelled regions", 7, hasLabels], ["boxes", boxesTitle, 8, true]].map(
    ([name, title, key, can]) => switchRow("checkbox", name, title, key, can, (input) => pick({ [name]: input.checked })));
  const slider = element("input", {
    type: "range", min: 0, max: 100, step: 1, class: "slider", "aria-label": "Opacity of the map",
    input: () => pick({ opacity: slider.valueAsNumber / 100 }),
  });
  const share = element("output", { class: "soft number" });
  function show(value) {
    now = value;
    for (const { input } of radios) input.checked = input.value === now.map;
    for (const { input } of regions) input.checked = now[input.value];
    slider.value = Math.round(now.opacity * 100);
    slider.style.setProperty("--share", now.opacity);
    slider.disabled = now.map === "none";
    share.textContent = `${slider.value} %`;
  }
  show(layers);
  const list = element(
    "div", { class: "layers" },
    element("fieldset", {}, element("legend", { class: "side-title" }, "Map"), ...radios.map(({ row }) => row)),
    element("label", { class: "opacity" }, element("span", {}, "Opacity"), slider, share),
    element("fieldset", {}, element("legend", { class: "side-title" }, "Regions"), ...regions.map(({ row }) => row)),
  );
  list.show = show;
  return list;
}

function switchRow(type, value, title, key, can, picked) {
  const input = element("input", { type, name: type === "radio" ? "map" : value, value, disabled: !can, change: () => picked(input) });
  const row = element(
    "label", { class: can ? "layer" : "layer off", title: can ? null : "this run can't make it" },
    input, element("span", {}, title), key && element("kbd", { "aria-hidden": "true" }, String(key)),
  );
  return { row, input };
}
