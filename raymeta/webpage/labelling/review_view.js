// Answers that somebody has to decide: one to accept or return, or two side by side.
import { element } from "../dom.js";
import { failure, notice, toast } from "../notices.js";
import { count, duration, percent, quantity } from "../number_text.js";
import { routeHash } from "../route.js";
import { segmentedChoice } from "../segmented_choice.js";
import { isAbort } from "../service.js";
import { answerPicture } from "./answer_picture.js";
import { keyedClasses } from "./class_keys.js";
import { textureTile } from "./overlay.js";
import { VOID } from "./partition.js";
import { decodeGrey } from "./raster_coding.js";
import { askReason } from "./reason_dialog.js";
import { loadBundle } from "./task_bundle.js";

const LISTS = [["open", "To decide", ["conflict", "annotated", "needs_review"]], ["done", "Accepted", ["accepted", "void"]]];
const STATES = {
  conflict: "answers differ", annotated: "waits for a review", needs_review: "passed on by two people", accepted: "accepted", void: "accepted as undecidable",
};
const LIMIT = 200;
let chosenList = "open";

/** context: {service, route, replaceHash}. */
export class ReviewView {
  constructor(context) {
    this.context = context;
    this.service = context.service;
    this.title = "Review";
    this.element = element("div", { class: "review" });
    this.abort = new AbortController();
    this.begin();
  }

  async begin() {
    try {
      this.me = await this.service.json("v1/tasks/me", { signal: this.abort.signal });
      this.classes = keyedClasses(this.me.classes, this.me.void);
      this.colours = Object.fromEntries(this.classes.map(({ value, colour }) => [value, colour]));
      if (!this.me.may_write || !this.me.roles.includes("review")) return this.refuse();
      this.list = element("ul", { class: "review-list", "aria-label": "Tasks" });
      this.place = element("div", { class: "review-place" });
      const choice = segmentedChoice("Tasks", LISTS.map(([name, text]) => [name, text]), chosenList, (name) => {
        chosenList = name;
        this.load().catch((error) => this.fail(error));
      });
      this.element.replaceChildren(element("aside", { class: "review-side" }, choice, this.list), this.place);
      await this.load(this.context.route.params.get("task"));
    } catch (error) {
      this.fail(error);
    }
    return undefined;
  }

  refuse() {
    const text = this.me.reason ?? `You are ${this.me.who ?? "nobody that the service knows"}: only people with the role review decide about answers.`;
    const action = ["Use another token", () => {
      this.service.forgetToken();
      this.begin();
    }];
    this.element.replaceChildren(notice("You can't review here", text, { sign: "trouble", bad: true, action }));
  }

  fail(error) {
    if (!isAbort(error)) this.element.replaceChildren(failure(error, () => this.begin()));
  }

  /** The list anew; then the task of this id, or the first one. */
  async load(taskId = null) {
    const look = (this.look = {});
    const states = LISTS.find(([name]) => name === chosenList)[2];
    const query = `v1/tasks?${states.map((state) => `state=${state}`).join("&")}`;
    const { tasks, total } = await this.service.json(query, { query: { limit: LIMIT }, signal: this.abort.signal });
    if (look !== this.look) return undefined; // another list was chosen meanwhile
    this.tasks = tasks;
    this.list.replaceChildren(...tasks.map((task) => element("li", {}, element(
      "button", { class: "review-row", type: "button", "data-task": task.id, click: () => this.show(task) },
      element("span", { class: "review-name" }, task.id), element("span", { class: "soft small" }, STATES[task.state] ?? task.state)))));
    if (total > tasks.length) this.list.append(element("li", { class: "soft small" }, `${count(total - tasks.length)} more follow.`));
    const first = tasks.find(({ id }) => id === taskId) ?? tasks[0];
    if (first) return this.show(first);
    const text = chosenList === "open" ? "No answer waits for a decision." : "Nothing is accepted yet.";
    this.task = null;
    this.place.inert = false;
    return this.place.replaceChildren(notice("Nothing here", text, { sign: "fresh" }));
  }

  /** One task with its answers; where it fails, that is told unless another one is wanted by then. */
  async show(task) {
    try {
      await this.open(task);
    } catch (error) {
      if (this.task === task) this.fail(error);
    }
  }

  async open(task) {
    this.task = task;
    this.answers = null;
    this.place.inert = true; // what is on screen is another task's, until this one's answers are there
    for (const row of this.list.querySelectorAll(".review-row")) row.toggleAttribute("aria-current", row.dataset.task === task.id);
    this.context.replaceHash(routeHash("review", { task: task.id }));
    const options = { signal: this.abort.signal };
    const [detail, { answers, agreement }] = await Promise.all([
      this.service.json(`v1/tasks/${task.id}`, options), this.service.json(`v1/tasks/${task.id}/answers`, options)]);
    const bundle = await loadBundle(this.service, { ...detail, start: null }, this.abort.signal);
    const live = answers.filter((answer) => answer.live || answer.accepted);
    const shown = live.length ? live : answers;
    const rasters = await Promise.all(shown.map((answer) => this.valuesOf(answer)));
    if (this.task !== task) return;
    Object.assign(this, { answers: shown, seen: answers.map(({ answer_id: id }) => id) });
    this.place.replaceChildren(this.head(detail, agreement), element(
      "div", { class: "review-answers" }, ...this.answers.map((answer, index) => this.card(bundle, answer, rasters[index], index)), this.difference(bundle, rasters)));
    this.place.dataset.task = task.id;
    this.place.inert = false;
  }

  async valuesOf(answer) {
    const { values } = await decodeGrey(answer.raster_png);
    return values.map((value) => (value === 255 ? VOID : value));
  }

  head(detail, agreement) {
    const said = agreement.at(-1);
    const facts = [...new Set([detail.set, detail.image_id, STATES[detail.state] ?? detail.state, detail.note].filter(Boolean))];
    if (said && !detail.point && !detail.segment) facts.push(`equal pixels ${percent(said.equal)}`, `mIoU ${percent(said.miou)}`);
    const button = (text, key, act, main = false) => element("button", { class: main ? "button main" : "button", type: "button", "aria-keyshortcuts": key, click: act }, text, element("kbd", {}, key));
    const decide = ["accepted", "void"].includes(detail.state) ? [button("Ask again", "R", () => this.reopen())] : [button("Return", "R", () => this.return())];
    return element("div", { class: "review-head" },
      element("div", {}, element("h1", {}, detail.id), element("p", { class: "soft small" }, facts.join(" · "))),
      element("div", { class: "answer-buttons" }, ...decide, element("a", { class: "button", href: routeHash("annotate", { task: detail.id }) }, "Label it myself")));
  }

  card(bundle, answer, values, index) {
    const who = answer.who ?? "somebody";
    const clicks = answer.clicks ? Object.values(answer.clicks).reduce((sum, value) => sum + value, 0) : null;
    const facts = [new Date(answer.time).toLocaleString()];
    if (answer.seconds !== null) facts.push(duration(answer.seconds));
    if (clicks !== null) facts.push(quantity(clicks, "action", "actions"));
    if (answer.uncovered) facts.push(`${count(answer.uncovered)} px without a class`);
    if (answer.undecidable) facts.push("undecidable");
    const accept = element("button", { class: "button main", type: "button", "data-answer": answer.answer_id, "aria-keyshortcuts": String(index + 1), click: () => this.accept(answer) }, "Accept", element("kbd", {}, String(index + 1)));
    return element("section", { class: "card answer-card", "aria-label": `Answer of ${who}` },
      answerPicture(bundle, values, this.colours, `Answer of ${who}`),
      element("div", { class: "answer-foot" }, element("div", {}, this.saying(bundle.detail, who, answer, values), element("p", { class: "soft small numbers" }, facts.join(" · "))), this.holds(answer) ? element("span", { class: "soft" }, "accepted") : accept));
  }

  /** Who has answered; of a point or a segment also what. */
  saying({ point, segment }, who, { undecidable }, values) {
    const value = segment ? values.find((each) => each !== VOID) : values[0];
    if (segment && !undecidable && value === undefined) return element("h2", {}, `${who}: several classes, or none`);
    const entry = (point || segment) && !undecidable && this.classes.find((each) => each.value === value);
    return entry ? element("h2", { class: "answer-said" }, textureTile(value, entry.colour), `${who}: ${entry.name}`) : element("h2", {}, who);
  }

  /** Whether an answer is accepted, and nobody says otherwise. */
  holds(answer) {
    return answer.accepted && ["accepted", "void"].includes(this.task.state);
  }

  /** Where two answers differ. */
  difference(bundle, rasters) {
    if (rasters.length < 2 || bundle.detail.point || bundle.detail.segment) return null;
    const [one, other] = rasters.slice(-2);
    const marks = one.map((value, at) => (value === other[at] ? 0 : 1));
    const pixels = marks.reduce((sum, mark) => sum + mark, 0);
    return element("section", { class: "card answer-card", "aria-label": "Differences" },
      answerPicture(bundle, one, this.colours, "Where they differ", marks),
      element("div", { class: "answer-foot" }, element("div", {}, element("h2", {}, "Where they differ"), element("p", { class: "soft small numbers" }, `${count(pixels)} of ${count(marks.length)} px (${percent(pixels / marks.length)})`))));
  }

  post(action, body) {
    return this.service.json(`v1/tasks/${this.task.id}/${action}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  }

  /** Decide once, tell what went wrong, and go on with the list, unless somebody has chosen another task or list by then. */
  async decide(action, body, said) {
    const { task, tasks, look } = this;
    let next = tasks[tasks.findIndex(({ id }) => id === task.id) + 1]?.id;
    this.answers = null;
    this.place.inert = true;
    try {
      await this.post(action, body);
      toast(said);
    } catch (error) {
      toast(error.message, { bad: true });
      next = task.id;
    }
    if (look !== this.look || this.abort.signal.aborted) return;
    await this.load(this.task === task ? next : this.task.id).catch((error) => this.fail(error));
  }

  accept(answer) {
    return this.decide("accept", { answer_id: answer.answer_id, seen: this.seen, reason: null }, `${this.task.id}: the answer of ${answer.who ?? "somebody"} is accepted.`);
  }

  async return() {
    const reason = await askReason("Return this task", "What is to be done otherwise? The next person reads it and starts from this answer.");
    if (reason) await this.decide("return", { reason }, `${this.task.id} is asked again.`);
  }

  async reopen() {
    const reason = await askReason("Ask again", "Why? What is accepted counts until it is replaced.");
    if (reason) await this.decide("reopen", { reason }, `${this.task.id} is asked again.`);
  }

  key(event) {
    if (!this.task) return;
    const at = this.tasks.findIndex(({ id }) => id === this.task.id);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const answer = this.answers?.[Number(event.key) - 1];
    if (step && this.tasks[at + step]) this.show(this.tasks[at + step]);
    else if (answer && !this.holds(answer)) this.accept(answer);
    else if (this.answers && event.key.toLowerCase() === "r") this.place.querySelector(".review-head button")?.click();
    else return;
    event.preventDefault();
  }

  close() {
    this.abort.abort();
  }
}
