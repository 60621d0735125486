// Beside the stage: how far people are, the task, classes, and what can be done with the answer.
import { element } from "../dom.js";
import { icon } from "../icons.js";
import { count, duration, quantity } from "../number_text.js";
import { textureTile } from "./overlay.js";

export const TOOLS = [
  ["segment", "Segment", "Esc", "Click a segment, then press the key of its class. Enter accepts the box."],
  ["polygon", "Polygon", "P", "Click corners; Shift follows edges; from border to border it closes by itself, Enter closes it anywhere."],
  ["cut", "Cut", "K", "Draw a line across a segment, Enter cuts it in two."],
  ["brush", "Brush", "B", "Paint with the chosen class; [ and ] change the size."],
  ["eraser", "Eraser", "E", "Paint over what shall have no class; [ and ] change the size."],
];
const ACTIONS = [
  ["rest", "Fill the rest", "F"], ["undo", "Undo", "Z"], ["redo", "Redo", "Y"],
  ["hide", "Hide labels", "H"], ["names", "Names", "."], ["texture", "Patterns", "#"],
];

/** Buttons over the stage. act(name): a tool or an action was chosen. */
export class Toolbar {
  constructor(act) {
    const button = ([name, label, key]) => {
      const text = `${label} (${key})`;
      return element("button", { class: "button icon", type: "button", "data-act": name, "aria-label": label, "aria-keyshortcuts": key, title: text, click: () => act(name) }, icon(name));
    };
    this.tools = new Map(TOOLS.map((tool) => [tool[0], button(tool)]));
    this.actions = new Map(ACTIONS.map((action) => [action[0], button(action)]));
    this.element = element("div", { class: "toolbar", role: "toolbar", "aria-label": "Tools" },
      element("div", { class: "tool-group" }, ...this.tools.values()), element("div", { class: "tool-group" }, ...this.actions.values()));
  }

  /** state: {tool, canUndo, canRedo, hidden, showNames, textured}. */
  show(state) {
    for (const [name, node] of this.tools) node.setAttribute("aria-pressed", String(name === state.tool));
    for (const [name, holds] of [["hide", state.hidden], ["names", state.showNames], ["texture", state.textured]]) {
      this.actions.get(name).setAttribute("aria-pressed", String(holds));
    }
    for (const [name, can] of [["undo", state.canUndo], ["redo", state.canRedo]]) this.actions.get(name).setAttribute("aria-disabled", String(!can));
  }
}

/** The classes as buttons with their keys. chosen(value). */
export class ClassList {
  constructor(classes, chosen) {
    this.buttons = new Map(classes.map(({ value, name, colour, key }) => [value, element(
      "button", { class: "class-button", type: "button", "aria-pressed": "false", title: name, click: () => chosen(value) },
      textureTile(value, colour), element("span", { class: "class-name" }, name), key ? element("kbd", {}, key.toUpperCase()) : null)]));
    this.element = element("div", { class: "class-buttons", role: "group", "aria-label": "Classes" }, ...this.buttons.values());
  }

  show(value) {
    for (const [known, button] of this.buttons) button.setAttribute("aria-pressed", String(known === value));
  }
}

/** The side of the view. act(name): "accept", "undecidable", "skip", "previous", "keys". */
export class AnnotatePanel {
  constructor(classes, chosen, act) {
    this.classes = new ClassList(classes, chosen);
    this.title = element("h1", { class: "image-name" }, "…");
    this.facts = element("p", { class: "soft small" }, " ");
    this.note = element("p", { class: "task-note small", hidden: true });
    this.meter = element("progress", { max: 1, value: 0, "aria-label": "Answered" });
    this.progress = element("p", { class: "soft small numbers progress-text", role: "status" }, " ");
    this.effort = element("p", { class: "soft small numbers" }, " ");
    const button = (name, label, key, main = false) => element(
      "button", { class: main ? "button main" : "button", type: "button", "data-act": name, "aria-keyshortcuts": key, click: () => act(name) }, label, element("kbd", {}, key === "Enter" ? "⏎" : key));
    this.accept = button("accept", "Accept", "Enter", true);
    this.mixed = button("mixed", "Several classes", "M");
    this.mixed.hidden = true;
    this.element = element(
      "aside", { class: "side annotate-side", "aria-label": "Task, classes and answer" },
      element("div", { class: "side-head" }, this.title, this.facts, this.note),
      element("section", { class: "side-part", "aria-label": "Answer" },
        element("div", { class: "answer-buttons" }, this.accept, this.mixed, button("undecidable", "Undecidable", "U"), button("skip", "Skip", "S")), this.effort),
      element("section", { class: "side-part class-part", "aria-label": "Classes" }, this.classes.element),
      element("section", { class: "side-part", "aria-label": "Progress" }, this.meter, this.progress,
        element("div", { class: "answer-buttons" },
          element("button", { class: "button small", type: "button", "data-act": "previous", click: () => act("previous") }, icon("previous"), "Last answer"),
          element("button", { class: "button small", type: "button", "data-act": "keys", click: () => act("keys") }, icon("help"), "Keys"))),
    );
  }

  showTask(detail, { who, unit }) {
    this.title.textContent = detail.image_id;
    const { point, region } = detail;
    const { segment } = detail;
    const what = detail.whole ? "whole image" : `${unit} ${detail.rank}`;
    const size = segment ? quantity(segment.pixels, "pixel", "pixels") : `${region.width}×${region.height} px`;
    const more = [detail.set, what, point ? `row ${point.row}, column ${point.column}` : size];
    if (!point && !segment && detail.estimated_clicks !== null) more.push(`about ${quantity(detail.estimated_clicks, "click", "clicks")}`);
    if (who) more.push(`you are ${who}`);
    this.facts.textContent = more.join(" · ");
    this.note.hidden = !detail.note;
    this.note.textContent = detail.note ?? "";
  }

  /** The button for segments of several classes, with its key; none where key is null. */
  offerMixed(key) {
    this.mixed.hidden = key === null;
    if (key !== null) this.mixed.querySelector("kbd").textContent = key;
  }

  /** What Enter accepts: null for what is drawn, "" for nothing. */
  suggest(text) {
    this.accept.firstChild.textContent = text || "Accept";
    this.accept.setAttribute("aria-disabled", String(text === ""));
  }

  /** progress: answer of /v1/tasks/progress; setName: of the task on screen; who: labels here; waiting: answers that aren't sent yet. */
  showProgress(progress, setName, who, waiting) {
    const shown = progress.sets.find(({ name }) => name === setName);
    if (!shown) return;
    const done = shown.answered + shown.withdrawn;
    Object.assign(this.meter, { max: Math.max(1, shown.tasks), value: done });
    const mine = progress.people.find((person) => person.who === who)?.answers ?? 0;
    const parts = [`${count(done)} of ${count(shown.tasks)} in ${shown.name}`, `${count(mine)} by you`];
    if (shown.to_decide) parts.push(`${count(shown.to_decide)} to decide`);
    if (progress.seconds_left) parts.push(`about ${duration(progress.seconds_left)} left`);
    if (waiting) parts.push(`${count(waiting)} being sent`);
    this.progress.textContent = parts.join(" · ");
  }

  showEffort(effort) {
    this.effort.textContent = `${quantity(effort.total, "action", "actions")} · ${duration(Math.round(effort.seconds))}`;
  }
}
