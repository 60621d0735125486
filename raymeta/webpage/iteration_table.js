// Every iteration of the run as a row.
import { element } from "./dom.js";
import { cost, count, duration, fixed, percent } from "./number_text.js";
import { routeHash } from "./route.js";

const BEFORE_COSTS = [["mIoU", (row) => percent(row.miou, 2)]];
const afterCosts = (units) => [
  ["labelled", (row) => cost(row.labelled_share, 2)],
  [`${units} asked`, (row) => count(row.boxes)],
  [`${units} in query`, (row) => count(row.query_boxes)],
  ["R²", (row) => fixed(row.r2)],
  ["epochs", (row) => count(row.epochs)],
  ["time", (row) => duration(Object.values(row.seconds).reduce((sum, value) => sum + value, 0))],
];

/** A column for a cost model, as the service names it. */
function costColumn({ name, label }) {
  return [label, (row) => cost(row.costs.find((found) => found.name === name)?.value ?? null, 2)];
}

/** rows: answer.iterations; shown: the iteration that the page shows; units: "boxes", "points" or "segments". */
export function iterationTable(rows, shown, units) {
  const columns = [...BEFORE_COSTS, ...(rows[0]?.costs ?? []).map(costColumn), ...afterCosts(units)];
  const heads = ["iteration", ...columns.map(([name]) => name)];
  const body = [...rows].reverse().map((row) => {
    const link = element("a", { href: routeHash("overview", { iteration: row.iteration }) }, String(row.iteration));
    const stages = Object.entries(row.seconds).map(([stage, value]) => `${stage} ${duration(value)}`).join(", ");
    const cells = columns.map(([name, text]) => element("td", name === "time" ? { title: stages } : {}, text(row)));
    return element("tr", row.iteration === shown ? { "aria-current": "true" } : {}, element("th", { scope: "row" }, link), ...cells);
  });
  return element(
    "table", { class: "iterations" },
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...body),
  );
}
