// The labelling view: one task after the other, drawn, sent, and kept until the service has it.
import { element } from "../dom.js";
import { icon } from "../icons.js";
import { failure, notice, toast } from "../notices.js";
import { percent, quantity } from "../number_text.js";
import { isAbort } from "../service.js";
import { showAnnotateKeys } from "./annotate_keys.js";
import { AnnotateControls } from "./annotate_controls.js";
import { AnnotatePanel, Toolbar, TOOLS } from "./annotate_panel.js";
import { answerBody, newAnswerId } from "./answer_body.js";
import { Banner } from "./banner.js";
import { keyedClasses } from "./class_keys.js";
import { Draft } from "./drafts.js";
import { Editor } from "./editor.js";
import { Outbox } from "./outbox.js";
import { RegionStage } from "./region_stage.js";
import { regionPixels } from "./task_bundle.js";
import { TaskQueue } from "./task_queue.js";

const kept = { value: null, shows: {}, mine: 0, previous: [] }; // while the page is open

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
    this.region = new RegionStage(this.classes, () => this.editor?.effort.act(performance.now()));
    this.region.show(kept.shows);
    this.controls = new AnnotateControls(this);
    const act = (name) => this.controls.act(name);
    this.toolbar = new Toolbar(act);
    this.panel = new AnnotatePanel(this.classes, (value) => this.chooseClass(value), act);
    this.hint = element("div", { class: "readout hint", role: "status" });
    this.banner = new Banner();
    this.working = element("div", { class: "working", role: "status", hidden: true }, element("span", { class: "reader-only" }, "loading"));
    const { stage } = this.region;
    const zoom = (name, label, act) => element("button", { class: "button icon", type: "button", "aria-label": label, title: label, click: act }, icon(name));
    stage.element.append(this.working, this.toolbar.element, this.banner.element, this.hint, element(
      "div", { class: "zoom-buttons" }, zoom("plus", "Zoom in", () => stage.zoom(1.35)), zoom("minus", "Zoom out", () => stage.zoom(1 / 1.35)), zoom("fit", "Fit", () => stage.fit())));
    this.body = element("div", { class: "viewer annotate" }, stage.element, this.panel.element);
    this.element.replaceChildren(this.body);
    this.queue = new TaskQueue(this.service, this.me, { set: this.context.route.params.get("set") });
    this.outbox = new Outbox(this.service, this.me.run);
    this.drafts = new Map(); // of answers on their way, by task
  }

  listen() {
    const options = { signal: this.abort.signal };
    this.outbox.addEventListener("sent", ({ entry, answer }) => this.sent(entry, answer), options);
    this.outbox.addEventListener("refused", ({ entry, error }) => this.refused(entry, error), options);
    this.outbox.addEventListener("change", () => this.showOutbox(), options);
    this.queue.addEventListener("lost", ({ lost }) => this.lost(lost), options);
    this.queue.addEventListener("trouble", ({ error }) => this.banner.show(`The service doesn't answer: go on, answers are kept in this browser. (${error.message})`), options);
    this.queue.addEventListener("well", () => this.showOutbox(), options);
    window.addEventListener("keydown", (event) => this.controls.chord(event), options);
    window.addEventListener("keyup", (event) => this.controls.released(event), options);
    window.addEventListener("pagehide", () => this.draft?.save(), options);
    document.addEventListener("visibilitychange", () => this.seen(), options);
    // Who clicks a button goes on with the keys of the drawing.
    this.element.addEventListener("click", (event) => event.detail > 0 && event.target.closest("button") && this.region.stage.canvas.focus({ preventScroll: true }), options);
    this.ticking = setInterval(() => this.editor && this.panel.showEffort(this.editor.effort), 1000);
    this.showProgress();
  }

  seen() {
    const now = performance.now();
    if (document.hidden) {
      this.editor?.effort.pause(now);
      this.draft?.save();
    } else {
      this.editor?.effort.act(now);
    }
  }

  // Tasks

  /** Put a task on screen; null: none is left. */
  async show(detail) {
    this.draft?.close();
    this.editor = null;
    this.draft = null;
    this.warned = false;
    this.detail = detail;
    this.showOutbox();
    if (!detail) return this.finished();
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
    const { height, width } = detail.region;
    const draft = new Draft(this.service, this.me.run, detail.id);
    const begun = draft.read(detail.draft, width * height);
    this.bundle = bundle;
    this.draft = draft;
    this.editor = new Editor({
      width, height, values: bundle.answered ?? bundle.predicted?.values ?? null, cells: begun?.cells, effort: begun?.effort,
      rgba: () => regionPixels(bundle), predicted: bundle.predicted?.raster, value: kept.value,
    });
    this.region.open(this.editor, bundle);
    this.editor.effort.show(performance.now());
    this.editor.addEventListener("change", ({ rect }) => this.changed(rect));
    this.panel.showTask(detail, this.me.who);
    this.changed(null);
    if (begun) this.say(`Your draft of ${new Date(begun.time).toLocaleTimeString()} goes on.`);
    else if (!bundle.predicted && !bundle.answered) this.say("Nothing is predicted here: draw a polygon (P), or choose a class and fill (F).");
    this.element.dataset.task = detail.id;
  }

  changed(rect) {
    const { editor } = this;
    kept.value = editor.value;
    this.panel.classes.show(editor.value);
    const { strokes, undone } = editor.history;
    this.toolbar.show({ tool: editor.tool, canUndo: strokes.length || editor.line.length, canRedo: undone.length, ...this.region.shows });
    this.element.dataset.tool = editor.tool;
    this.panel.showEffort(editor.effort);
    if (!rect) return this.tellTool();
    this.warned = false;
    return this.draft.changed(editor);
  }

  tellTool() {
    if (this.told === this.editor.tool && this.hint.textContent) return;
    this.told = this.editor.tool;
    this.say(TOOLS.find(([name]) => name === this.editor.tool)[3]);
  }

  say(text) {
    this.hint.textContent = text;
  }

  finished() {
    delete this.element.dataset.task;
    const text = this.queue.reason ?? "Nothing is left to label. What the run asks for next appears here by itself.";
    const action = ["Look again", () => this.again()];
    this.element.replaceChildren(notice("All done", text, { sign: "fresh", action }));
    this.showProgress();
    this.queue.watch((next) => this.detail || (next ? this.show(next) : this.finished()));
  }

  fail(error, retry) {
    if (isAbort(error)) return;
    this.stuck = true;
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

  /** Enter: close the line, or send the answer; one with holes is sent by the second press. */
  accept() {
    const { editor } = this;
    if (!editor) return;
    if (editor.line.length) {
      editor.finish();
      return;
    }
    const pixels = editor.width * editor.height;
    const { uncovered } = editor.partition.count();
    if (uncovered > this.me.max_uncovered * pixels && !this.warned) {
      this.warned = true;
      this.say(`${percent(uncovered / pixels)} has no class yet. F fills it with the chosen class, V chooses void; Enter again sends it unfinished.`);
      return;
    }
    this.send(false);
  }

  send(undecidable) {
    const { editor, detail, bundle, draft } = this;
    if (undecidable) editor.count("undecidable");
    else if (editor.partition.count().untouched) editor.count("confirm");
    draft.save();
    draft.close();
    draft.editor = null;
    this.drafts.set(detail.id, draft);
    kept.previous.push(detail.id);
    const names = Object.fromEntries(this.classes.map(({ value, name }) => [value, name]));
    const packing = answerBody(editor, detail, bundle.predicted, names, undecidable);
    const path = `v1/tasks/${detail.id}/answers/${newAnswerId()}`;
    this.next(); // first the next box: this one is packed meanwhile
    packing.then((body) => this.outbox.add({ taskId: detail.id, method: "PUT", path, body }));
  }

  async skip() {
    const { detail, draft } = this;
    if (!detail) return;
    draft?.drop();
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
    kept.mine += 1;
    if (this.stuck) this.again(); // it is back
    if (answer.message) toast(answer.message, { bad: answer.task.state === "conflict" });
    this.showProgress();
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
        this.banner.show(`${reason} You can finish it: your answer is kept for comparison.`, ["Next box", () => this.next()]);
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
      this.panel.showProgress(progress, this.detail?.set, kept.mine, this.outbox.waiting);
    } catch {
      // The figures are a courtesy; what really fails is told where it matters.
    }
  }

  // Keys and buttons

  chooseClass(value) {
    this.editor?.chooseClass(value);
  }

  toggle(name) {
    const shows = { [name]: !this.region.shows[name] };
    Object.assign(kept.shows, shows);
    this.region.show(shows);
    this.changed(null);
  }

  key(event) {
    this.controls?.key(event);
  }

  showKeys() {
    showAnnotateKeys(this.classes ?? []);
  }

  close() {
    this.abort.abort();
    clearInterval(this.ticking);
    this.draft?.close();
    this.queue?.close(this.detail?.id);
    this.outbox?.close();
    this.region?.close();
    Object.assign(this, { editor: null, detail: null, draft: null });
  }

}
