// A predicted segment whose class is asked: one key or click confirms it, fixes it, or says that it is mixed.
import { element } from "../dom.js";
import { showSegmentKeys } from "./annotate_keys.js";
import { UNCOVERED, VOID } from "./partition.js";
import { PointAnswering } from "./point_answering.js";
import { encodeGrey } from "./raster_coding.js";
import { paintSegment } from "./segment_painting.js";

const NEAR = 6; // screen pixels of a stored one, at most
const NEARER = 4; // times the scale at which the whole picture fits, at most
const ROOM = 0.5; // share of the stage that the segment may take

/** As a point, with another question; mixed: whether somebody has said so, and the ringed pixel is asked. */
export class SegmentAnswering extends PointAnswering {
  open(detail, bundle) {
    this.mixed = false;
    super.open(detail, bundle);
    this.view.element.dataset.tool = "segment";
    this.view.panel.offerMixed(this.mixedKey.toUpperCase());
  }

  get label() {
    return this.view.me.unit === "superpixel" ? "Superpixel to confirm" : "Segment to confirm";
  }

  /** "m", unless a class has it. */
  get mixedKey() {
    return this.classes.some(({ key }) => key === "m") ? "b" : "m";
  }

  /** The segment in the middle, with enough around it to tell what it is. */
  look({ segment }, { bitmap, place: { picture } }) {
    this.stage.fitted = true;
    this.stage.setFrame(bitmap.width, bitmap.height);
    const points = segment.rings.flat();
    const [left, right] = ends(points.map(([x]) => x));
    const [top, bottom] = ends(points.map(([, y]) => y));
    const fit = this.stage.fitScale;
    const { clientWidth, clientHeight } = this.stage.element;
    const fills = ROOM * Math.min(clientWidth / (right - left), clientHeight / (bottom - top));
    this.stage.centre((left + right) / 2 - picture.left, (top + bottom) / 2 - picture.top, Math.max(fit, Math.min(NEARER * fit, NEAR, fills)));
  }

  /** As of a point; ringed: whether that is the class of what is in the ring alone. */
  suggestionOf({ segment }, { answered, answer, mask }) {
    if (!answered) return { value: segment.class_id, answered: false, ringed: false };
    const value = answered.find((each) => each !== UNCOVERED) ?? VOID;
    const ringed = value !== VOID && Boolean(segment.point) && mask.some((asked, at) => asked && answered[at] === UNCOVERED);
    return { value, answered: answer.yours, ringed };
  }

  tell(name) {
    const several = this.suggestion.ringed ? "several classes, in the ring " : "";
    const before = this.suggestion.answered ? `You said ${several}` : "Is this ";
    const strong = element("strong", {}, this.suggestion.value === VOID ? "several classes, or none" : name);
    if (this.mixed) {
      this.question.replaceChildren("Several classes. ", element("span", { class: "point-suggestion" }, "What is in the ring?"));
      this.view.say(`Press the key of the class in the ring; Enter or ${this.mixedKey.toUpperCase()} for none.`);
      return;
    }
    this.question.replaceChildren(before, strong, this.suggestion.answered ? "." : "?");
    this.view.say(`Enter: yes. Another class: its key. ${this.mixedKey.toUpperCase()}: several classes.`);
  }

  paint(context, view) {
    if (!this.bundle) return;
    const { bitmap, place } = this.bundle;
    paintSegment(context, view, { bitmap, place, segment: this.detail.segment, hidden: this.hidden, ringed: this.mixed || this.suggestion.ringed });
  }

  chooseClass(value) {
    if (this.mixed) this.answer(value, "mixed", "point");
    else this.answer(value, value === this.detail.segment.class_id ? "confirm" : "class");
  }

  accept() {
    if (this.mixed) this.sayMixed();
    else if (this.nameOf(this.suggestion.value) === null || this.suggestion.value === VOID) this.sayMixed();
    else if (this.suggestion.ringed) this.answer(this.suggestion.value, "mixed", "point");
    else this.chooseClass(this.suggestion.value);
  }

  /** First it is asked what is in the ring, where that is asked at all; then it is mixed, and no more. */
  sayMixed() {
    if (!this.mixed && this.detail.segment.point) this.askRing(true);
    else this.answer(VOID, "mixed");
  }

  askRing(mixed) {
    this.mixed = mixed;
    this.acted();
    this.view.panel.suggest(mixed ? "No class" : this.offer(this.nameOf(this.suggestion.value)));
    this.tell(this.nameOf(this.suggestion.value));
    this.stage.draw();
  }

  offer(name) {
    return name === null ? "" : `Yes: ${name}`;
  }

  act(name) {
    if (name === "mixed") this.sayMixed();
    else super.act(name);
  }

  key(event) {
    const plain = !event.repeat && !event.shiftKey;
    if (plain && event.key.toLowerCase() === this.mixedKey) this.sayMixed();
    else if (plain && this.mixed && ["Escape", "Backspace", "ArrowLeft", "z", "Z"].includes(event.key)) this.askRing(false);
    else if (event.shiftKey && this.named(event)) this.answer(this.named(event).value, "mixed", "point");
    else {
      super.key(event);
      return;
    }
    event.preventDefault();
  }

  /** The class whose key is pressed with Shift, where the ringed pixel is asked. */
  named(event) {
    const pressed = event.code.startsWith("Digit") ? event.code.slice(5) : event.key.toLowerCase();
    return this.detail.segment.point && !event.repeat && this.classes.find(({ key }) => key === pressed);
  }

  showKeys() {
    showSegmentKeys(this.classes, this.mixedKey.toUpperCase(), Boolean(this.detail?.segment.point));
  }

  leave() {
    super.leave();
    this.view.panel.offerMixed(null);
  }

  async bodyOf(detail, bundle, effort, value, kind) {
    const { clicks, seconds, firstAction } = effort.toRecord();
    const { region } = detail;
    return {
      raster_png: value === null ? null : await encodeGrey(labelled(detail, bundle, value, kind), region.width, region.height),
      shapes: [], undecidable: value === null, uncovered: "void", clicks, active_seconds: seconds, first_action_seconds: firstAction,
    };
  }
}

function ends(values) {
  return [Math.min(...values), Math.max(...values)];
}

/** The raster of an answer: a value in the segment, or in what of it the ringed pixel stands for. */
function labelled({ region, segment: { point_region: square } }, { mask }, value, kind) {
  const within = (at) => {
    if (kind !== "point") return true;
    const [row, column] = [region.top + Math.floor(at / region.width), region.left + (at % region.width)];
    return row >= square.top && row < square.top + square.height && column >= square.left && column < square.left + square.width;
  };
  return mask.map((asked, at) => (asked && within(at) ? value : UNCOVERED));
}
