// Buttons that zoom a stage, for who has neither wheel nor keys.
import { element } from "../dom.js";
import { icon } from "../icons.js";

const STEP = 1.35;

export function zoomButtons(stage) {
  const button = (name, label, act) => element("button", { class: "button icon", type: "button", "aria-label": label, title: label, click: act }, icon(name));
  return element("div", { class: "zoom-buttons" },
    button("plus", "Zoom in", () => stage.zoom(STEP)), button("minus", "Zoom out", () => stage.zoom(1 / STEP)), button("fit", "Fit", () => stage.fit()));
}
