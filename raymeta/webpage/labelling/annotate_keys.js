// The keys of the labelling view, shown on demand.
import { element } from "../dom.js";

const KEYS = [
  [["Enter"], "accept the box and go on; close the line that is being drawn"],
  [["1", "–", "0", "Q", "…"], "class: of what is selected, and of what is drawn next"],
  [["V"], "void: nothing can be told here"],
  [["Esc"], "select segments; drop the line"],
  [["P"], "polygon: border to border closes by itself"],
  [["Shift"], "while drawing: follow edges (live-wire); Alt: don't snap"],
  [["X"], "the other side of the border"],
  [["K"], "cut a segment in two by a line"],
  [["B", "E"], "brush, eraser"],
  [["[", "]"], "smaller and larger brush"],
  [["F"], "fill the rest; with Shift also what only the network has labelled"],
  [["Del"], "leave what is selected without a class"],
  [["Z", "Y"], "undo, redo"],
  [["U", "S"], "undecidable; skip, somebody else gets it"],
  [["Shift", "Enter"], "back to the last answer"],
  [["H", ".", "#"], "hide labels; names; patterns"],
  [["+", "−", "Home"], "zoom in, zoom out, fit"],
  [["Space"], "held: move the picture with the pointer"],
  [["PgDn", "PgUp"], "next segment, previous one"],
  [["←↑↓→", "Space"], "move the crosshair (Shift: far); click there"],
];

const POINT_KEYS = [
  [["1", "–", "0", "Q", "…"], "name the pixel in the ring, and go on"],
  [["Enter"], "accept what the network sees, and go on"],
  [["V"], "void: it belongs to no class"],
  [["U", "S"], "undecidable; skip, somebody else gets it"],
  [["Z", "←", "⌫"], "back to the last point, to correct it"],
  [["H"], "hide and show the ring"],
  [["+", "−", "Home"], "zoom in, zoom out, all that is shown around"],
];

/** Show the keys of drawing; classes: [{name, key}]. */
export function showAnnotateKeys(classes) {
  showKeys(KEYS, classes);
}

/** Show the keys of segments; mixed: the key that says so, ringed: whether a pixel is asked then. */
export function showSegmentKeys(classes, mixed, ringed) {
  const more = ringed ? "then the key of what is in the ring, or Enter for nothing" : "or none";
  const shifted = ringed ? [[["Shift", "1", "–"], "several classes, and that of the ringed pixel, at once"]] : [];
  showKeys([
    [["Enter"], "yes, the class is right, and go on"],
    [["1", "–", "0", "Q", "…"], "no: this is its class"],
    [[mixed], `several classes; ${more}`],
    ...shifted,
    [["V"], "void: it belongs to no class"],
    [["U", "S"], "undecidable; skip, somebody else gets it"],
    [["Z", "←", "⌫"], "back to the last segment, to correct it"],
    [["H"], "hide and show the outline"],
    [["+", "−", "Home"], "zoom in, zoom out, all that is shown around"],
  ], classes);
}

/** Show the keys of points. */
export function showPointKeys(classes) {
  showKeys(POINT_KEYS, classes);
}

function showKeys(keys, classes) {
  if (document.querySelector("dialog[open]")) return;
  const row = (names, text) => [element("dt", {}, ...names.map((key) => (["–", "…"].includes(key) ? key : element("kbd", {}, key)))), element("dd", {}, text)];
  const keyed = classes.filter(({ key }) => key).map(({ key, name }) => row([key.toUpperCase()], name));
  const dialog = element(
    "dialog", { class: "wide", "aria-labelledby": "keys-title", close: () => dialog.remove() },
    element("h2", { id: "keys-title" }, "Keys"),
    element("div", { class: "key-columns" },
      element("dl", { class: "keys" }, ...keys.flatMap(([names, text]) => row(names, text))), element("dl", { class: "keys" }, ...keyed.flat())),
    element("form", { method: "dialog" }, element("div", { class: "row" }, element("button", { class: "button main", value: "ok" }, "Close"))),
  );
  document.body.append(dialog);
  dialog.showModal();
}
