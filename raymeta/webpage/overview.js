// The run at a glance.
import { classTable } from "./class_table.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { iterationTable } from "./iteration_table.js";
import { lineChart } from "./line_chart.js";
import { notice, toast } from "./notices.js";
import { cost, count, duration, fixed, percent, quantity } from "./number_text.js";
import { segmentedChoice } from "./segmented_choice.js";

const TARGET_SHARE = 0.95;
const AXES = {
  cost_a: ["cost_A", "cost_A: clicks in % of labelling all of the pool"],
  cost_b: ["cost_B", "cost_B: clicks in % of labelling all of the pool"],
  cost_p: ["cost_P", "cost_P: pixels in % of the pool"],
  iteration: ["iterations", "iteration"],
};
let axis = "cost_a"; // stays when the view is built anew

/** context: {service, live, iteration}. */
export function overview(context) {
  const { progress, model } = context.live;
  const all = progress.iterations;
  const rows = all.filter((row) => row.iteration <= context.iteration);
  if (!rows.length || !model) return { title: "Overview", element: waiting() };
  const content = element(
    "div", { class: "overview" },
    heading(progress, model, context), tiles(rows, progress, model),
    element(
      "div", { class: "columns" },
      element("section", { class: "card panel chart-panel", "aria-labelledby": "miou-title" }, ...curve(rows, progress)),
      element(
        "section", { class: "card panel", "aria-labelledby": "class-title" },
        element("div", { class: "panel-head" }, element("h2", { id: "class-title" }, "IoU of each class"),
          element("span", { class: "soft small" }, "on validation images, change in points")),
        element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "IoU of each class" }, classTable(rows, model.classes)),
      ),
    ),
    element(
      "section", { class: "card panel", "aria-labelledby": "iterations-title" },
      element("div", { class: "panel-head" }, element("h2", { id: "iterations-title" }, "Iterations"), timeTaken(all)),
      element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Iterations" }, iterationTable(all, context.iteration)),
    ),
  );
  return { title: "Overview", element: content };
}

function waiting() {
  return notice("No finished iteration yet", "The first one appears here by itself as soon as the run commits it.");
}

function heading(progress, model, context) {
  const facts = [
    model.strategy, model.dataset, `${model.width}×${model.height} pixels`, `boxes of ${model.box_width} pixels`, `seed ${progress.seed}`,
  ];
  return element(
    "div", { class: "heading" },
    element("div", {}, element("h1", {}, model.run),
      element("p", { class: "soft" }, facts.join(" · "))),
    element(
      "div", { class: "downloads" },
      download(context, "Query as CSV", "csv"), download(context, "Query as GeoJSON", "geojson"),
    ),
  );
}

/** A link can't carry the token, so the file is fetched and handed over. */
function download({ service, iteration }, text, format) {
  const button = element("button", { class: "button", type: "button", click: fetchFile }, icon("download"), text);
  async function fetchFile() {
    button.disabled = true;
    try {
      const blob = await service.blob("v1/query", { query: { format, iteration } });
      const href = URL.createObjectURL(blob);
      element("a", { href, download: `query_${String(iteration).padStart(3, "0")}.${format}` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
    } catch (error) {
      toast(error.message, { bad: true });
    }
    button.disabled = false;
  }
  return button;
}

function tiles(rows, progress, model) {
  const last = rows.at(-1);
  const before = rows.at(-2);
  const full = progress.full_set_miou;
  const points = before ? (last.miou - before.miou) * 100 : null;
  const mioNote = full ? `${percent(last.miou / full, 0)} of the full set's ${percent(full)}`
    : points === null ? "first iteration" : `${points >= 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} points since iteration ${before.iteration}`;
  const entries = [
    ["mIoU", percent(last.miou), mioNote],
    ["cost_A", cost(last.cost_a), `cost_B ${fixed(last.cost_b, 1)}, cost_P ${fixed(last.cost_p, 1)}`],
    ["labelled", cost(last.labelled_share), "of the pool's pixels"],
    ["query", count(last.query_boxes), `boxes to label next; ${quantity(last.boxes, "box", "boxes")} asked before`],
    ["R²", fixed(last.r2), last.r2 === null ? "no meta regressor" : "of the predicted IoU"],
  ];
  const nodes = entries.map(([name, value, note]) => tile(name, value, note));
  const done = last.iteration - rows[0].iteration + 1;
  const meter = element("progress", { max: progress.planned, value: done, "aria-label": `${done} of ${progress.planned} iterations` });
  const state = model.finished && done === progress.planned ? "finished" : "committed so far";
  return element("dl", { class: "tiles" }, ...nodes, tile("iterations", `${done} of ${progress.planned}`, state, meter));
}

function tile(name, value, note, extra = null) {
  return element("div", { class: "card tile" }, element("dt", {}, name), element("dd", { class: "value number" }, value), element("dd", { class: "note" }, note, extra));
}

function curve(rows, progress) {
  const place = element("div", { class: "chart-place" });
  const draw = () => place.replaceChildren(lineChart(chart(rows, progress.full_set_miou)));
  const choice = segmentedChoice("mIoU over", Object.entries(AXES).map(([name, [text]]) => [name, text]), axis, (name) => {
    axis = name;
    draw();
  });
  draw();
  return [element("div", { class: "panel-head" }, element("h2", { id: "miou-title" }, "mIoU over"), choice), place];
}

function chart(rows, full) {
  const points = rows.map((row) => ({
    x: row[axis], y: row.miou * 100,
    lines: [`iteration ${row.iteration}`, `mIoU ${percent(row.miou, 2)}`, axis === "iteration" ? `cost_A ${cost(row.cost_a, 2)}` : `${AXES[axis][0]} ${cost(row[axis], 2)}`],
  }));
  const target = full && { y: full * TARGET_SHARE * 100, text: `95 % of the full set: ${percent(full * TARGET_SHARE)}` };
  const label = `mIoU over ${AXES[axis][0]}: from ${percent(rows[0].miou)} to ${percent(rows.at(-1).miou)}. The table of iterations has the figures.`;
  return { points, target, xName: AXES[axis][1], yName: "mIoU %", whole: axis === "iteration", label };
}

function timeTaken(rows) {
  const sums = {};
  for (const row of rows) for (const [stage, value] of Object.entries(row.seconds)) sums[stage] = (sums[stage] ?? 0) + value;
  const parts = Object.entries(sums).map(([stage, value]) => `${stage} ${duration(value)}`);
  return parts.length ? element("span", { class: "soft small" }, parts.join(" · ")) : null;
}
