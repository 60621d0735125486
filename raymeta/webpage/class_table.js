// IoU of each class: the newest as a bar, all iterations as a strip of heat.
import { element } from "./dom.js";
import { percent } from "./number_text.js";

const FULL = 0.9; // opacity of IoU 1 in the strip

/** rows: answer.iterations of /v1/iterations; classes: of /v1/model. */
export function classTable(rows, classes) {
  const last = rows.at(-1);
  const head = element(
    "tr", {}, element("th", { scope: "col" }, "class"), element("th", { scope: "col" }, "IoU"),
    element("th", { scope: "col", class: "change" }, "change"),
    rows.length > 1 && element("th", { scope: "col", class: "strip-head" }, stripHead(rows)),
  );
  const body = classes.map((entry, index) => classRow(entry, rows, last.class_iou[index] ?? null, index));
  return element("table", { class: "classes" }, element("thead", {}, head), element("tbody", {}, ...body));
}

function stripHead(rows) {
  return element("span", {}, `iterations ${rows[0].iteration} to ${rows.at(-1).iteration}`);
}

function classRow(entry, rows, newest, index) {
  const before = rows.length > 1 ? (rows.at(-2).class_iou[index] ?? null) : null;
  return element(
    "tr", {},
    element("th", { scope: "row" }, swatch(entry.color), entry.name),
    element("td", {}, bar(newest, entry.color)),
    element("td", { class: "change" }, change(newest, before)),
    rows.length > 1 && element("td", { class: "strip-cell" }, strip(entry, rows, index)),
  );
}

/** A square in a class's colour. */
export function swatch(colour) {
  const square = element("span", { class: "swatch", "aria-hidden": "true" });
  square.style.backgroundColor = colour;
  return square;
}

function bar(value, colour) {
  const inner = element("span", { class: "bar-fill" });
  inner.style.width = `${(value ?? 0) * 100}%`;
  inner.style.backgroundColor = colour;
  const text = value === null ? "occurs nowhere" : percent(value);
  return element("span", { class: "bar" }, element("span", { class: "bar-room" }, inner), element("span", { class: value === null ? "bar-text soft" : "bar-text" }, text));
}

function change(newest, before) {
  if (newest === null || before === null) return "";
  const points = (newest - before) * 100;
  if (Math.abs(points) < 0.05) return element("span", { class: "soft" }, "±0.0");
  return element("span", { class: points > 0 ? "up" : "down" }, `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)}`);
}

function strip(entry, rows, index) {
  const cells = rows.map((row) => {
    const value = row.class_iou[index] ?? null;
    const title = `${entry.name}, iteration ${row.iteration}: ${value === null ? "occurs nowhere" : percent(value)}`;
    const cell = element("span", { class: value === null ? "none" : "", title });
    if (value !== null) cell.style.setProperty("--share", (value * FULL).toFixed(3));
    return cell;
  });
  const spoken = rows.map((row) => percent(row.class_iou[index] ?? null)).join(", ");
  return element("span", { class: "strip", role: "img", "aria-label": `${entry.name} over the iterations: ${spoken}` }, ...cells);
}
