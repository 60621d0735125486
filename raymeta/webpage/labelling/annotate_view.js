// The labelling view: one task after the other, answered, sent, and kept until the service has it.
import { element } from "../dom.js";
import { failure, notice, toast } from "../notices.js";
import { quantity } from "../number_text.js";
import { isAbort } from "../service.js";
import { AnnotatePanel } from "./annotate_panel.js";
import { newAnswerId } from "./answer_body.js";
import { Banner } from "./banner.js";
import { keyedClasses } from "./class_keys.js";
import { idleNotice } from "./idle_notice.js";
import { Outbox } from "./outbox.js";
import { PointAnswering } from "./point_answering.js";
import { RegionAnswering } from "./region_answering.js";
import { SegmentAnswering } from "./segment_answering.js";
import { TaskQueue } from "./task_queue.js";

const kept = { previous: [], released: null }; // while the page is open; released: what earlier views give back

/** How a task is answered: "region", "point" or "segment". */
function kindOf({ point, segment }) {
  if (segment) return "segment";
  return point ? "point" : "region";
}

/** context: {service, route}. */
export class AnnotateView {
  constructor(context) {
    this.context = context;
    this.service = context.service;
    this.title = "Label";
    this.element = element("div", { class: "annotate-place" }, element("div", { class: "starting skeleton", role: "status", "aria-label": "loading" }));
    this.abort = new AbortController();
    this.begin();
  }

  async begin() {
    const { signal } = this.abort;
    try {
      this.me = await this.service.json("v1/tasks/me", { signal });
      if (!this.me.may_write || !this.me.roles.includes("annotate")) return this.refuse();
      this.build();
      this.listen();
      const { queue, outbox } = this;
      await Promise.all([outbox.flush(), kept.released]); // what is given back late would be lost after it was leased anew
      signal.throwIfAborted();
      const { params } = this.context.route;
      const detail = params.get("task") ? await queue.take(params.get("task")) : await queue.takeOfImage(params.get("image_id"));
      await this.show(detail ?? (await queue.next()));
      if (detail) queue.ahead(); // what follows is there before it is wanted
    } catch (error) {
      this.fail(error, () => this.again());
    }
  }

  again() {
    this.stuck = false;
    this.close();
    this.abort = new AbortController();
    this.begin();
  }

  refuse() {
    const text = this.me.reason ?? `You are ${this.me.who ?? "nobody that the service knows"}, and may not label.`;
    const action = ["Use another token", () => {
      this.service.forgetToken();
      this.again();
    }];
    this.element.replaceChildren(notice("You can't label here", text, { sign: "trouble", bad: true, action }));
  }

  build() {
    this.classes = keyedClasses(this.me.classes, this.me.void);
    this.panel = new AnnotatePanel(this.classes, (value) => this.answering.chooseClass(value), (name) => this.act(name));
    this.hint = element("div", { class: "readout hint", role: "status" });
    this.banner = new Banner();
    this.working = element("div", { class: "working", role: "status", hidden: true }, element("span", { class: "reader-only" }, "loading"));
    this.body = element("div", { class: "viewer annotate" });
    this.kinds = { region: new RegionAnswering(this), point: new PointAnswering(this), segment: new SegmentAnswering(this) };
    this.use(this.kinds.region);
    this.element.replaceChildren(this.body);
    this.queue = new TaskQueue(this.service, this.me, { set: this.context.route.params.get("set") });
    this.outbox = new Outbox(this.service);
  }

  /** From now on tasks are answered this way: their stage stands beside the panel. */
  use(answering) {
    if (answering === this.answering) return;
    this.answering?.leave();
    this.answering = answering;
    answering.stage.element.append(this.working, this.banner.element, this.hint);
    this.body.replaceChildren(answering.stage.element, this.panel.element);
  }

  listen() {
    const options = { signal: this.abort.signal };
    this.outbox.addEventListener("sent", ({ entry, answer }) => this.sent(entry, answer), options);
    this.outbox.addEventListener("refused", ({ entry, error }) => this.refused(entry, error), options);
    this.outbox.addEventListener("change", () => this.showOutbox(), options);
    this.queue.addEventListener("lost", ({ lost }) => this.lost(lost), options);
    this.queue.addEventListener("trouble", ({ error }) => this.banner.show(`The service doesn't answer: go on, answers are kept in this browser. (${error.message})`), options);
    this.queue.addEventListener("well", () => this.showOutbox(), options);
    window.addEventListener("keydown", (event) => this.answering.chord(event), options);
    window.addEventListener("keyup", (event) => this.answering.released(event), options);
    window.addEventListener("pagehide", () => this.answering.save(), options);
    document.addEventListener("visibilitychange", () => this.seen(), options);
    // Who clicks a button goes on with the keys of the drawing.
    this.element.addEventListener("click", (event) => event.detail > 0 && event.target.closest("button") && this.answering.stage.canvas.focus({ preventScroll: true }), options);
    this.ticking = setInterval(() => this.answering.effort && this.panel.showEffort(this.answering.effort), 1000);
  }

  seen() {
    const now = performance.now();
    if (document.hidden) {
      this.answering.effort?.pause(now);
      this.answering.save();
    } else {
      this.answering.effort?.act(now);
    }
  }

  // Tasks

  /** Put a task on screen; null: none is left. */
  async show(detail) {
    this.answering.leave();
    this.detail = detail;
    this.showOutbox();
    if (!detail) return this.idle();
    this.idleSince = null;
    delete this.element.dataset.idle;
    this.working.hidden = false;
    try {
      const bundle = await this.queue.bundle(detail.id);
      if (this.detail === detail) this.open(detail, bundle);
    } catch (error) {
      if (this.detail === detail) this.fail(error, () => this.again());
    }
    if (this.detail === detail) this.working.hidden = true; // else another one is on its way
    return undefined;
  }

  open(detail, bundle) {
    if (!this.body.isConnected) this.element.replaceChildren(this.body);
    this.use(this.kinds[kindOf(detail)]);
    this.panel.showTask(detail, this.me);
    if (detail.set !== this.progressOf) this.showProgress();
    this.progressOf = detail.set;
    this.answering.open(detail, bundle);
    this.element.dataset.task = detail.id;
  }

  say(text) {
    this.hint.textContent = text;
  }

  /** Nothing is on screen: say what the run does meanwhile, and look now and then whether it asks for something. */
  async idle() {
    const { queue } = this;
    delete this.element.dataset.task;
    this.idleSince ??= performance.now();
    const look = (this.look = {});
    const ask = (path) => this.service.json(path, { signal: this.abort.signal, wait: false }).catch(() => null); // told as far as it is known
    const [progress, status] = await Promise.all([ask("v1/tasks/progress"), ask("v1/status")]);
    if (this.detail || this.stuck || look !== this.look || queue.closed) return; // a later look knows more
    if (progress || status || !this.element.dataset.idle) this.tellIdle(progress, status); // what was said holds while the service is away
    queue.watch((next) => this.detail || (next ? this.show(next) : this.idle()));
  }

  /** What is on screen already isn't said again. */
  tellIdle(progress, status) {
    const { reason, left } = this.queue;
    const since = performance.now() - this.idleSince;
    const told = idleNotice({ reason, left, progress, status, oracle: this.me.oracle, unsent: this.outbox.waiting, since });
    const key = JSON.stringify(told);
    if (this.element.dataset.idle === key) return;
    const { title, text, sign, steps } = told;
    const shown = notice(title, text, { sign, action: ["Look again", () => this.again()] });
    if (steps.length) shown.querySelector("p").after(element("ol", { class: "idle-steps" }, ...steps.map((step) => element("li", { "data-state": step.state, "aria-current": step.state === "now" ? "step" : null }, step.text))));
    this.element.replaceChildren(shown);
    this.element.dataset.idle = key;
  }

  fail(error, retry) {
    if (isAbort(error)) return;
    this.stuck = true;
    delete this.element.dataset.idle;
    const waiting = this.outbox?.waiting;
    const stored = waiting ? ` ${quantity(waiting, "answer is", "answers are")} kept in this browser and sent once it is back.` : "";
    this.element.replaceChildren(failure({ status: error.status, message: error.message + stored }, retry));
  }

  /** The task on screen is done with: from now on keys and buttons aren't about it. */
  async next() {
    const { queue, detail } = this;
    if (!detail) return;
    this.answering.leave();
    this.detail = null;
    queue.leave(detail.id);
    try {
      const next = await queue.next();
      if (!this.detail && !queue.closed) await this.show(next); // else somebody went back meanwhile
    } catch (error) {
      this.fail(error, () => this.again());
    }
  }

  // Answers

  /** The task on screen is answered; packing: its body, on its way. */
  answered(packing) {
    const { detail } = this;
    kept.previous.push(detail.id);
    const path = `v1/tasks/${detail.id}/answers/${newAnswerId()}`;
    this.next(); // first the next task: this one is packed meanwhile
    packing.then((body) => this.outbox.add({ taskId: detail.id, method: "PUT", path, body }));
  }

  async skip() {
    const { detail, queue } = this;
    if (!detail) return;
    this.answering.drop();
    this.next();
    try {
      await queue.post(`v1/tasks/${detail.id}/skip`, { reason: null });
      queue.settled(detail.id);
      if (!this.detail && this.idleSince) this.lookOnce();
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }

  /** Back to the last answer, to correct it. */
  async previous() {
    const taskId = kept.previous.pop();
    if (!taskId) {
      this.say("There is no earlier answer in this tab.");
      return;
    }
    const { queue } = this;
    this.wanted = taskId;
    try {
      await this.outbox.flush();
      const detail = await queue.take(taskId);
      if (this.wanted === taskId) await this.show(detail); // else somebody went back further meanwhile
    } catch (error) {
      if (!isAbort(error)) toast(error.message, { bad: true });
    }
  }

  sent(entry, answer) {
    this.queue.settled(entry.taskId);
    if (answer.message) toast(answer.message, { bad: answer.task.state === "conflict" });
    if (this.stuck) this.again(); // it is back
    else if (this.detail) this.showProgress();
    else if (this.idleSince) this.lookOnce(); // also where the first look is still on its way
  }

  /** The last answer is there: what is open for whom may be another thing now. */
  async lookOnce() {
    const { queue } = this;
    const next = await queue.next().catch(() => null); // while the service is away
    if (!this.detail && !queue.closed) await (next ? this.show(next) : this.idle());
  }

  /** The service has looked at an answer and can't take it; the drawing stays in this browser. */
  refused(entry, error) {
    this.queue.settled(entry.taskId);
    toast(`${entry.taskId}: ${error.message} Your drawing is kept in this browser.`, { bad: true });
  }

  lost(lost) {
    for (const { id, reason } of lost) {
      if (id !== this.detail?.id) {
        this.queue.leave(id);
        this.queue.settled(id);
      } else {
        this.banner.show(`${reason}.`, [`Next ${{ region: "box" }[kindOf(this.detail)] ?? kindOf(this.detail)}`, () => this.next()]);
      }
    }
  }

  showOutbox() {
    const { waiting, error, kept: stored } = this.outbox;
    if (!error || !waiting) {
      this.banner.hide();
      return;
    }
    const where = stored === false ? "kept until this tab is closed" : "kept in this browser";
    this.banner.show(`${error.message} ${quantity(waiting, "answer is", "answers are")} ${where} and sent again by ${waiting === 1 ? "itself" : "themselves"}.`, ["Try now", () => this.outbox.flush()]);
  }

  async showProgress() {
    const asked = performance.now();
    try {
      const progress = await this.service.json("v1/tasks/progress", { signal: this.abort.signal });
      if (asked < this.toldProgress) return; // figures that were asked for later are there already
      this.toldProgress = asked;
      if (this.detail) this.panel.showProgress(progress, this.detail.set, this.me.who, this.outbox.waiting);
    } catch {
      // The figures are a courtesy; what really fails is told where it matters.
    }
  }

  // Keys and buttons

  act(name) {
    const always = { keys: () => this.showKeys(), previous: () => this.previous() };
    (always[name] ?? (() => this.answering.act(name)))();
  }

  key(event) {
    if (this.detail) this.answering?.key(event);
  }

  showKeys() {
    this.answering?.showKeys();
  }

  close() {
    this.abort.abort();
    clearInterval(this.ticking);
    this.answering?.leave();
    if (this.queue) kept.released = Promise.all([kept.released, this.queue.close(this.detail?.id)]);
    this.outbox?.close();
    for (const answering of Object.values(this.kinds ?? {})) answering.close();
    Object.assign(this, { answering: null, detail: null });
  }
}
