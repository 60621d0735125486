// The boxes of one image as a list; pointing at one marks it on the picture, choosing one zooms to it.
import { element } from "./dom.js";
import { count, score } from "./number_text.js";

const HEADS = [
  ["rank", "1 is asked first"],
  ["score", "joint score of the box: higher is asked first; it has no unit"],
  ["clicks", "estimated polygon clicks"],
  ["left, top", "pixels"],
];

/** mark(box or null), choose(box). The returned element has `point(box)`, which marks the row of a box. */
export function boxTable(boxes, { mark, choose }) {
  const rows = boxes.map((box) => element(
    "tr", { "data-rank": box.rank, pointerenter: () => mark(box), pointerleave: () => mark(null) },
    element("td", {}, element("button", {
      type: "button", class: "rank", "aria-label": `Box of rank ${box.rank}: zoom to it`,
      click: () => choose(box), focus: () => mark(box), blur: () => mark(null),
    }, String(box.rank))),
    element("td", {}, score(box.score)), element("td", {}, count(box.estimated_clicks)),
    element("td", { class: "soft" }, `${box.left}, ${box.top}`),
  ));
  const heads = HEADS.map(([text, title]) => element("th", { scope: "col", title }, text));
  const table = element("table", { class: "boxes" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
  table.point = (box) => {
    for (const row of rows) row.classList.toggle("pointed", Number(row.dataset.rank) === box?.rank);
  };
  return table;
}
