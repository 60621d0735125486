// Every iteration of the run as a row.
import { element } from "./dom.js";
import { cost, count, duration, fixed, percent } from "./number_text.js";
import { routeHash } from "./route.js";

const COLUMNS = [
  ["mIoU", (row) => percent(row.miou, 2)],
  ["cost_A", (row) => cost(row.cost_a, 2)],
  ["cost_B", (row) => cost(row.cost_b, 2)],
  ["cost_P", (row) => cost(row.cost_p, 2)],
  ["labelled", (row) => cost(row.labelled_share, 2)],
  ["boxes asked", (row) => count(row.boxes)],
  ["boxes in query", (row) => count(row.query_boxes)],
  ["R²", (row) => fixed(row.r2)],
  ["epochs", (row) => count(row.epochs)],
  ["time", (row) => duration(Object.values(row.seconds).reduce((sum, value) => sum + value, 0))],
];

/** rows: answer.iterations; shown: the iteration that the page shows. */
export function iterationTable(rows, shown) {
  const heads = ["iteration", ...COLUMNS.map(([name]) => name)];
  const body = [...rows].reverse().map((row) => {
    const link = element("a", { href: routeHash("overview", { iteration: row.iteration }) }, String(row.iteration));
    const stages = Object.entries(row.seconds).map(([stage, value]) => `${stage} ${duration(value)}`).join(", ");
    const cells = COLUMNS.map(([name, text]) => element("td", name === "time" ? { title: stages } : {}, text(row)));
    return element("tr", row.iteration === shown ? { "aria-current": "true" } : {}, element("th", { scope: "row" }, link), ...cells);
  });
  return element(
    "table", { class: "iterations" },
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...body),
  );
}
