// What labelling has cost people, and what is still to be done; nothing where no person has answered.
import { element } from "./dom.js";
import { count, duration, fixed, percent, quantity, unitNames } from "./number_text.js";

const columns = (one, many) => [
  [many, ({ boxes }) => count(boxes)],
  [`clicks a ${one}`, ({ clicks }) => fixed(clicks, 1)],
  ["the model's clicks", ({ model_clicks: clicks }) => fixed(clicks, 1)],
  [`seconds a ${one}`, ({ seconds }) => fixed(seconds, 1)],
  ["time", ({ hours }) => duration(hours === null ? null : hours * 3600)],
];

/** A panel that fills itself, and stays hidden as long as there is nothing to tell. */
export function labellingPanel(service) {
  const panel = element("section", { class: "card panel", "aria-labelledby": "labelling-title", hidden: true });
  service.json("v1/tasks/ledger").then((ledger) => fill(panel, ledger)).catch(() => {}); // the run's own figures stand without it
  return panel;
}

function fill(panel, ledger) {
  if (!ledger.tools.length && ledger.hours === null) return;
  panel.append(
    element("div", { class: "panel-head" }, element("h2", { id: "labelling-title" }, "Labelling"), element("span", { class: "soft small" }, left(ledger))));
  if (ledger.tools.length) {
    panel.append(element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Labelling by tool" }, toolTable(ledger)));
  }
  if (ledger.double?.answered) panel.append(element("p", { class: "soft small" }, agreement(ledger.double)));
  panel.hidden = false;
}

function left({ unit, hours, hours_left: needed, open_boxes: boxes, open_images: images, coming_boxes: coming }) {
  const spent = hours === null ? "time unknown" : `${duration(hours * 3600)} so far`;
  const waiting = `${quantity(boxes + coming, ...unitNames(unit))} and ${quantity(images, "image", "images")} left`;
  return `${spent} · ${waiting}${needed === null ? "" : `, about ${duration(needed * 3600)}`}`;
}

/** How far two people agree who answered the same. */
function agreement({ answered, agree, equal, miou }) {
  const exactly = equal === null ? "" : `: ${percent(equal)} of their pixels are equal, mIoU ${percent(miou)}`;
  return `Answered by two people: ${count(answered)}, of which ${count(agree)} agree${exactly}.`;
}

function toolTable({ unit, tools }) {
  const shown = columns(...unitNames(unit));
  return element(
    "table", { class: "iterations" },
    element("thead", {}, element("tr", {}, ...["tool", ...shown.map(([name]) => name)].map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...tools.map((cost) => element("tr", {}, element("th", { scope: "row" }, cost.tool), ...shown.map(([, text]) => element("td", {}, text(cost)))))),
  );
}
