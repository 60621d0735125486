// A point whose class is asked: one key or click names it, sends the answer and goes on.
import { element } from "../dom.js";
import { percent } from "../number_text.js";
import { Stage } from "../stage.js";
import { showPointKeys } from "./annotate_keys.js";
import { Effort } from "./effort.js";
import { UNCOVERED, VOID } from "./partition.js";
import { paintPoint } from "./point_painting.js";
import { encodeGrey } from "./raster_coding.js";
import { storedPoint } from "./region_painting.js";
import { zoomButtons } from "./zoom_buttons.js";

const BARS = { top: 66, bottom: 58 }; // screen pixels of the question above and the hint below
const NEAR = 4; // screen pixels of a stored one that a point begins with, unless the whole picture is larger
const NEARER = 2; // times the scale at which the whole picture fits, at most
const BACK = new Set(["z", "Backspace", "ArrowLeft"]);

/** view: the labelling view, which shows one task after the other and sends answers. */
export class PointAnswering {
  constructor(view) {
    this.view = view;
    this.classes = view.classes;
    this.effort = null;
    this.hidden = false;
    this.stage = new Stage({ label: this.label, paint: (context, place) => this.paint(context, place), hover: () => this.acted(), bars: BARS });
    this.question = element("div", { class: "point-question", "aria-live": "polite" });
    this.stage.element.append(this.question, zoomButtons(this.stage));
  }

  get label() {
    return "Point to name";
  }

  acted() {
    this.effort?.act(performance.now());
  }

  /** Put a task on screen. */
  open(detail, bundle) {
    Object.assign(this, { detail, bundle, suggestion: this.suggestionOf(detail, bundle) });
    this.effort = new Effort();
    this.effort.show(performance.now());
    const { panel, element: place } = this.view;
    const name = this.nameOf(this.suggestion?.value);
    panel.classes.show(this.suggestion?.value ?? null);
    panel.suggest(this.offer(name));
    panel.showEffort(this.effort);
    this.tell(name);
    place.dataset.tool = "point";
    this.look(detail, bundle);
  }

  /** The point in the middle, at a scale at which one can tell pixels apart and still knows where one is. */
  look({ point }, { bitmap, place: { scale, picture } }) {
    this.stage.fitted = true;
    this.stage.setFrame(bitmap.width, bitmap.height);
    const fit = this.stage.fitScale;
    this.stage.centre((point.column + 0.5) / scale - picture.left, (point.row + 0.5) / scale - picture.top, Math.max(fit, Math.min(NEARER * fit, NEAR)));
  }

  suggestionOf(detail, bundle) {
    return suggestionOf(detail, bundle);
  }

  /** What the button of Enter says. */
  offer(name) {
    return name === null ? "" : `Accept: ${name}`;
  }

  tell(name) {
    const { suggestion } = this;
    const before = suggestion?.answered ? "You said " : "The network sees ";
    const iou = (suggestion?.iou ?? null) === null ? "" : ` (predicted IoU ${percent(suggestion.iou, 0)})`;
    const told = name === null ? ["Nothing is predicted here."] : [before, element("strong", {}, name), iou];
    this.question.replaceChildren("What is in the ring? ", element("span", { class: "point-suggestion" }, ...told));
    this.view.say(name === null ? "Press the key of its class." : `Press the key of its class, or Enter for ${name}.`);
  }

  nameOf(value) {
    return this.classes.find((entry) => entry.value === value)?.name ?? null;
  }

  paint(context, view) {
    if (this.bundle) paintPoint(context, view, { bitmap: this.bundle.bitmap, place: this.bundle.place, point: this.detail.point, hidden: this.hidden });
  }

  chooseClass(value) {
    this.answer(value, "class");
  }

  accept() {
    if (this.nameOf(this.suggestion?.value) === null) this.view.say("Nothing is suggested here: press the key of the class.");
    else this.answer(this.suggestion.value, "confirm");
  }

  /** One click, whatever it says; undecidable where value is null. what: of several things that this kind may say. */
  answer(value, kind, what = kind) {
    const { detail, bundle, effort } = this;
    if (!effort) return; // the next one isn't there yet
    effort.add(kind, performance.now());
    this.leave();
    this.view.answered(this.bodyOf(detail, bundle, effort, value, what));
  }

  bodyOf(detail, bundle, effort, value) {
    return pointBody(detail, bundle, effort, value, this.nameOf(value));
  }

  act(name) {
    const actions = { accept: () => this.accept(), undecidable: () => this.answer(null, "undecidable"), skip: () => this.effort && this.view.skip(), hide: () => this.hide(), fit: () => this.stage.fit() };
    actions[name]?.();
  }

  hide() {
    this.hidden = !this.hidden;
    this.stage.draw();
  }

  key(event) {
    if (event.repeat || (event.target.closest?.("button, a, [role=radio]") && ["Enter", " "].includes(event.key))) return;
    const letter = event.shiftKey || event.key.length > 1 ? event.key : event.key.toLowerCase();
    const plain = { u: "undecidable", s: "skip", h: "hide", Home: "fit" }[letter];
    const entry = this.classes.find(({ key }) => key === letter);
    if (event.key === "Enter" && event.shiftKey) this.view.previous();
    else if (event.key === "Enter") this.accept();
    else if (BACK.has(letter)) this.view.previous();
    else if (plain) this.act(plain);
    else if (entry) this.chooseClass(entry.value);
    else if (!["+", "=", "-", "_"].includes(event.key) || !this.stage.key(event)) return;
    event.preventDefault();
  }

  /** Ctrl+Z. */
  chord(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "z" || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.view.previous();
  }

  released() {}

  showKeys() {
    showPointKeys(this.classes);
  }

  save() {}

  drop() {}

  /** The task leaves the screen; its picture stays until the next one comes. */
  leave() {
    this.effort = null;
  }

  close() {
    this.leave();
    this.stage.close();
  }
}

/** {value, iou, answered}: what somebody has answered before, else what the network sees at the point; null without either. */
function suggestionOf({ region, point }, { answered, answer, predicted }) {
  const at = (point.row - region.top) * region.width + point.column - region.left;
  if (answered) return { value: answered[at] === UNCOVERED ? VOID : answered[at], iou: null, answered: answer.yours };
  if (!predicted || predicted.values[at] === UNCOVERED) return null;
  const segment = predicted.segments.find(({ id }) => id === predicted.raster[at]);
  return { value: predicted.values[at], iou: segment?.predicted_iou ?? null, answered: false, prelabel: segment?.prelabel_id ?? null };
}

/** The body of an answer: the class all over the region, by one click. */
async function pointBody(detail, bundle, effort, value, name) {
  const { clicks, seconds, firstAction } = effort.toRecord();
  const { width, height } = detail.region;
  const ring = [[0, 0], [width, 0], [width, height], [0, height]].map((corner) => storedPoint(corner, detail));
  const confirmed = clicks.confirm ? suggestionOf(detail, bundle).prelabel ?? null : null;
  const shape = { label: name, rings: [ring], prelabel: confirmed, mark: confirmed ? "unchanged" : "new", tool: "point" };
  return {
    raster_png: value === null ? null : await encodeGrey(new Uint8Array(width * height).fill(value), width, height),
    shapes: value === null ? [] : [shape],
    undecidable: value === null, uncovered: "unknown", clicks, active_seconds: seconds, first_action_seconds: firstAction,
  };
}
