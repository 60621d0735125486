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

const kept = { previous: [] }; // while the page is open

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
    try {
      this.me = await this.service.json("v1/tasks/me", { signal: this.abort.signal });
      if (this.abort.signal.aborted) return;
      if (!this.me.may_write || !this.me.roles.includes("annotate")) return this.refuse();
      this.build();
      this.listen();
      await this.outbox.flush();
      const { params } = this.context.route;
      const detail = params.get("task") ? await this.queue.take(params.get("task")) : await this.queue.takeOfImage(params.get("image_id"));
      await this.show(detail ?? (await this.queue.next()));
      if (detail) await this.queue.fill(); // what follows is there before it is wanted
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
    this.drafts = new Map(); // of answers on their way, by task
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
      if (this.detail !== detail) return undefined;
      this.open(detail, bundle);
    } catch (error) {
      if (!isAbort(error)) this.fail(error, () => this.again());
    }
    this.working.hidden = true;
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

  async next() {
    this.queue.leave(this.detail.id);
    try {
      await this.show(await this.queue.next());
    } catch (error) {
      this.fail(error, () => this.again());
    }
  }

  // Answers

  /** The task on screen is answered; packing: its body, on its way. draft: what is kept until the service has it. */
  answered(packing, draft = null) {
    const { detail } = this;
    if (draft) this.drafts.set(detail.id, draft);
    kept.previous.push(detail.id);
    const path = `v1/tasks/${detail.id}/answers/${newAnswerId()}`;
    this.next(); // first the next task: this one is packed meanwhile
    packing.then((body) => this.outbox.add({ taskId: detail.id, method: "PUT", path, body }));
  }

  async skip() {
    const { detail } = this;
    if (!detail) return;
    this.answering.drop();
    this.next();
    try {
      await this.queue.post(`v1/tasks/${detail.id}/skip`, { reason: null });
      this.queue.settled(detail.id);
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
    try {
      await this.outbox.flush();
      await this.show(await this.queue.take(taskId));
    } catch (error) {
      toast(error.message, { bad: true });
    }
  }

  sent(entry, answer) {
    this.drafts.get(entry.taskId)?.drop();
    this.drafts.delete(entry.taskId);
    this.queue.settled(entry.taskId);
    if (this.stuck) this.again(); // it is back
    if (answer.message) toast(answer.message, { bad: answer.task.state === "conflict" });
    if (this.detail) this.showProgress();
    else if (this.idleSince) this.lookOnce(); // also where the first look is still on its way
  }

  /** The last answer is there: what is open for whom may be another thing now. */
  async lookOnce() {
    const next = await this.queue.next().catch(() => null); // while the service is away
    if (!this.detail) await (next ? this.show(next) : this.idle());
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
    try {
      const progress = await this.service.json("v1/tasks/progress", { signal: this.abort.signal });
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
    this.queue?.close(this.detail?.id);
    this.outbox?.close();
    for (const answering of Object.values(this.kinds ?? {})) answering.close();
    Object.assign(this, { answering: null, detail: null });
  }
}
