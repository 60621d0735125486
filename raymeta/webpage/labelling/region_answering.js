// A box or an image that is drawn: editor, tools and draft of the task on screen.
import { percent } from "../number_text.js";
import { AnnotateControls } from "./annotate_controls.js";
import { showAnnotateKeys } from "./annotate_keys.js";
import { Toolbar, TOOLS } from "./annotate_panel.js";
import { answerBody } from "./answer_body.js";
import { Draft } from "./drafts.js";
import { Editor } from "./editor.js";
import { RegionStage } from "./region_stage.js";
import { regionPixels } from "./task_bundle.js";
import { zoomButtons } from "./zoom_buttons.js";

const kept = { value: null, shows: {} }; // while the page is open

/** view: the labelling view, which shows one task after the other and sends answers. */
export class RegionAnswering {
  constructor(view) {
    this.view = view;
    this.classes = view.classes;
    this.region = new RegionStage(this.classes, () => this.editor?.effort.act(performance.now()));
    this.region.show(kept.shows);
    this.controls = new AnnotateControls(this);
    this.toolbar = new Toolbar((name) => this.controls.act(name));
    this.stage = this.region.stage;
    this.stage.element.append(this.toolbar.element, zoomButtons(this.stage));
  }

  get effort() {
    return this.editor?.effort ?? null;
  }

  /** Put a task on screen. */
  open(detail, bundle) {
    const { height, width } = detail.region;
    const { service, panel } = this.view;
    const draft = new Draft(service, detail.id);
    const begun = draft.read(detail.draft, width * height);
    Object.assign(this, { detail, bundle, draft, warned: false, passing: false });
    this.editor = new Editor({
      width, height, values: bundle.answered ?? bundle.predicted?.values ?? null, cells: begun?.cells, effort: begun?.effort,
      rgba: () => regionPixels(bundle), predicted: bundle.predicted?.raster, value: kept.value,
    });
    this.region.open(this.editor, bundle);
    this.editor.effort.show(performance.now());
    this.editor.addEventListener("change", ({ rect }) => this.changed(rect));
    panel.suggest(null);
    this.changed(null);
    if (begun) this.sayUntilDrawn(`Your draft of ${new Date(begun.time).toLocaleTimeString()} goes on.`);
    else if (!bundle.predicted && !bundle.answered) this.sayUntilDrawn("Nothing is predicted here: draw a polygon (P), or choose a class and fill (F).");
  }

  changed(rect) {
    const { editor } = this;
    const { panel, element } = this.view;
    kept.value = editor.value;
    panel.classes.show(editor.value);
    const { strokes, undone } = editor.history;
    this.toolbar.show({ tool: editor.tool, canUndo: strokes.length || editor.line.length, canRedo: undone.length, ...this.region.shows });
    element.dataset.tool = editor.tool;
    panel.showEffort(editor.effort);
    if (!rect) return this.tellTool();
    this.warned = false;
    if (this.passing) this.tellTool(true);
    return this.draft.changed(editor);
  }

  tellTool(anew = false) {
    if (!anew && this.told === this.editor.tool && this.view.hint.textContent) return;
    Object.assign(this, { told: this.editor.tool, passing: false });
    this.say(TOOLS.find(([name]) => name === this.editor.tool)[3]);
  }

  say(text) {
    this.view.say(text);
  }

  /** Say what no longer holds once something is drawn. */
  sayUntilDrawn(text) {
    this.say(text);
    this.passing = true;
  }

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
    if (uncovered > this.view.me.max_uncovered * pixels && !this.warned) {
      this.warned = true;
      this.sayUntilDrawn(`${percent(uncovered / pixels)} has no class yet. F fills it with the chosen class, V chooses void; Enter again sends it unfinished.`);
      return;
    }
    this.send(false);
  }

  send(undecidable) {
    const { editor, detail, bundle, draft } = this;
    if (undecidable) editor.count("undecidable");
    else if (editor.partition.count().untouched) editor.count("confirm");
    draft.finish();
    const names = Object.fromEntries(this.classes.map(({ value, name }) => [value, name]));
    this.view.answered(answerBody(editor, detail, bundle.predicted, names, undecidable));
  }

  skip() {
    return this.view.skip();
  }

  previous() {
    return this.view.previous();
  }

  chooseClass(value) {
    this.editor?.chooseClass(value);
  }

  toggle(name) {
    const shows = { [name]: !this.region.shows[name] };
    Object.assign(kept.shows, shows);
    this.region.show(shows);
    this.changed(null);
  }

  act(name) {
    this.controls.act(name);
  }

  key(event) {
    this.controls.key(event);
  }

  chord(event) {
    this.controls.chord(event);
  }

  released(event) {
    this.controls.released(event);
  }

  showKeys() {
    showAnnotateKeys(this.classes);
  }

  /** Keep what was drawn. */
  save() {
    this.draft?.save();
  }

  /** The task was skipped: what was drawn isn't wanted. */
  drop() {
    this.draft?.drop();
  }

  /** The task leaves the screen; its picture stays until the next one comes. */
  leave() {
    this.draft?.close();
    this.region.leave();
    Object.assign(this, { editor: null, draft: null });
  }

  close() {
    this.leave();
    this.region.close();
  }
}
