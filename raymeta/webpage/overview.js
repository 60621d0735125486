// The run at a glance.
import { classTable } from "./class_table.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { iterationTable } from "./iteration_table.js";
import { labellingPanel } from "./labelling_panel.js";
import { lineChart } from "./line_chart.js";
import { notice, toast } from "./notices.js";
import { cost, count, duration, fixed, percent, quantity, unitNames } from "./number_text.js";
import { segmentedChoice } from "./segmented_choice.js";

const TARGET_SHARE = 0.95;
const ITERATION = "iteration";
const UNITS = { box: "boxes", point: "points in boxes", segment: "segments in tiles", superpixel: "superpixels in tiles" };
let axis = null; // stays when the view is built anew; null: the first cost

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
      element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Iterations" }, iterationTable(all, context.iteration, unitNames(model.unit)[1])),
    ),
    labellingPanel(context.service),
  );
  return { title: "Overview", element: content };
}

function waiting() {
  return notice("No finished iteration yet", "The first one appears here by itself as soon as the run commits it.");
}

function heading(progress, model, context) {
  const facts = [
    model.strategy, model.dataset, `${model.width}×${model.height} pixels`, `${UNITS[model.unit] ?? "boxes"} of ${model.box_width} pixels`, `seed ${progress.seed}`,
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

/** What stands below R²: with a single meta image there is a meta regressor, and nothing to try it on. */
function r2Note(last, model) {
  if (last.r2 !== null) return "of the predicted IoU";
  return model.maps.includes("predicted_iou") ? "not told by so few meta images" : "no meta regressor";
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
    costTile(last.costs),
    ["labelled", cost(last.labelled_share), "of the pool's pixels"],
    ["query", count(last.query_boxes), `${unitNames(model.unit)[1]} to label next; ${quantity(last.boxes, ...unitNames(model.unit))} asked before`],
    ["R²", fixed(last.r2), r2Note(last, model)],
  ];
  const nodes = entries.map(([name, value, note]) => tile(name, value, note));
  const done = last.iteration - rows[0].iteration + 1;
  const meter = element("progress", { max: progress.planned, value: done, "aria-label": `${done} of ${progress.planned} iterations` });
  const state = model.finished && done === progress.planned ? "finished" : "committed so far";
  return element("dl", { class: "tiles" }, ...nodes, tile("iterations", `${done} of ${progress.planned}`, state, meter));
}

/** The first cost, with the others in the note. */
function costTile([first, ...others]) {
  if (!first) return ["cost", "–", "not counted"];
  return [first.label, cost(first.value), others.map(({ label, value }) => `${label} ${fixed(value, 1)}`).join(", ")];
}

/** Axes by name: each cost that the service tells, then iterations; [short name, title]. */
function axes(rows) {
  const costs = rows[0].costs.map(({ name, label, unit }) => [name, [label, `${label}: ${unit} in % of labelling all of the pool`]]);
  return Object.fromEntries([...costs, [ITERATION, ["iterations", "iteration"]]]);
}

function place(row, name) {
  return name === ITERATION ? row.iteration : row.costs.find((found) => found.name === name)?.value;
}

function tile(name, value, note, extra = null) {
  return element("div", { class: "card tile" }, element("dt", {}, name), element("dd", { class: "value number" }, value), element("dd", { class: "note" }, note, extra));
}

function curve(rows, progress) {
  const shown = element("div", { class: "chart-place" });
  const known = axes(rows);
  if (!(axis in known)) axis = Object.keys(known)[0];
  const draw = () => shown.replaceChildren(lineChart(chart(rows, progress.full_set_miou, known)));
  const choice = segmentedChoice("mIoU over", Object.entries(known).map(([name, [text]]) => [name, text]), axis, (name) => {
    axis = name;
    draw();
  });
  draw();
  return [element("div", { class: "panel-head" }, element("h2", { id: "miou-title" }, "mIoU over"), choice), shown];
}

function chart(rows, full, known) {
  const told = axis === ITERATION ? Object.keys(known)[0] : axis;
  const points = rows.map((row) => ({
    x: place(row, axis), y: row.miou * 100,
    lines: [`iteration ${row.iteration}`, `mIoU ${percent(row.miou, 2)}`, `${known[told][0]} ${cost(place(row, told), 2)}`],
  }));
  const target = full && { y: full * TARGET_SHARE * 100, text: `95 % of the full set: ${percent(full * TARGET_SHARE)}` };
  const label = `mIoU over ${known[axis][0]}: from ${percent(rows[0].miou)} to ${percent(rows.at(-1).miou)}. The table of iterations has the figures.`;
  return { points, target, xName: known[axis][1], yName: "mIoU %", whole: axis === ITERATION, label };
}

function timeTaken(rows) {
  const sums = {};
  for (const row of rows) for (const [stage, value] of Object.entries(row.seconds)) sums[stage] = (sums[stage] ?? 0) + value;
  const parts = Object.entries(sums).map(([stage, value]) => `${stage} ${duration(value)}`);
  return parts.length ? element("span", { class: "soft small" }, parts.join(" · ")) : null;
}
