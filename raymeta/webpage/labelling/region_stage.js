// The stage on which a region is labelled: pointers and arrow keys act on the editor, each change is painted in the next frame.
import { Stage } from "../stage.js";
import { BaseLayer } from "./base_layer.js";
import { components } from "./crack_outlines.js";
import { whenIdle } from "./idle.js";
import { Overlay } from "./overlay.js";
import { onScreen, paintBase, paintRegion, rasterPoint } from "./region_painting.js";

const SNAP = 8; // screen pixels
const TOUCH_SNAP = 16;
const DOUBLE = { milliseconds: 350, pixels: 6 };
const BARS = { top: 66, bottom: 58 }; // screen pixels of the tools above and the hint below
const MAX_NAMES = 80;
const LARGE = 100_000; // pixels from which on names wait until somebody pauses
const FAR = 8; // pixels that an arrow key goes with Shift

export class RegionStage {
  /** classes: [{value, name, colour, key}]. acted(): somebody did something. */
  constructor(classes, acted) {
    Object.assign(this, { classes: new Map(classes.map((entry) => [entry.value, entry])), acted, editor: null, scene: null });
    this.shows = { hidden: false, showNames: true, textured: false };
    this.space = false; // held: the pointer moves the picture
    const methods = ["down", "move", "up", "cancel", "hover"];
    const tool = Object.fromEntries(methods.map((name) => [name, (...values) => (this.editor ? this[name](...values) : false)]));
    this.stage = new Stage({ label: "Region to label", paint: (context, view) => this.paint(context, view), hover: () => {}, tool, bars: BARS });
    this.changed = (event) => this.update(event.rect);
  }

  /** Work on a region: its editor, and what belongs to it from `loadBundle`. */
  open(editor, { bitmap, place, around }) {
    this.editor?.removeEventListener("change", this.changed);
    this.editor = editor;
    const colours = Object.fromEntries([...this.classes].map(([value, { colour }]) => [value, colour]));
    const fits = this.overlay?.width === editor.width && this.overlay.height === editor.height;
    if (!fits) this.overlay = new Overlay(editor.width, editor.height, colours); // else all of it is painted anew
    this.overlay.textured = this.shows.textured;
    this.overlay.update(editor.partition);
    const scene = { bitmap, place, editor, overlay: this.overlay, around: around && { ...around, canvas: this.aroundCanvas(around) } };
    const base = new BaseLayer((context, view) => paintBase(context, view, this.scene), (rect, view) => onScreen(rect, view, place));
    this.scene = { ...scene, ...this.shows, base, names: [], cursor: null, crosshair: null };
    editor.addEventListener("change", this.changed);
    this.nameSegments();
    this.stage.fitted = true;
    this.stage.setFrame(bitmap.width, bitmap.height);
    this.stage.fit();
  }

  aroundCanvas({ values, width, height }) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    const picture = context.createImageData(width, height);
    const pixels = new Uint32Array(picture.data.buffer);
    const plain = this.overlay.plain;
    for (let at = 0; at < values.length; at += 1) pixels[at] = values[at] === 255 ? 0 : plain[values[at] + 256];
    context.putImageData(picture, 0, 0);
    return canvas;
  }

  paint(context, view) {
    if (this.scene) paintRegion(context, view, this.scene);
  }

  update(rect) {
    if (rect) {
      this.overlay.update(this.editor.partition, rect);
      this.scene.base.touch(rect);
      this.nameSegments();
    }
    this.stage.draw();
  }

  /** Show or hide: {hidden, showNames, textured}. */
  show(change) {
    Object.assign(this.shows, change);
    if (!this.scene) return;
    Object.assign(this.scene, this.shows);
    if ("textured" in change) {
      this.overlay.textured = change.textured;
      this.overlay.update(this.editor.partition);
      this.scene.base.touch();
    }
    this.stage.draw();
  }

  /** Names of the largest segments, once somebody pauses. */
  nameSegments() {
    const { editor } = this;
    clearTimeout(this.naming);
    const wait = editor.width * editor.height < LARGE ? 0 : 250;
    if (wait) this.scene.names = [];
    const naming = setTimeout(() => whenIdle(() => {
      if (editor !== this.editor || naming !== this.naming) return; // another task, or another stroke: named later
      this.scene.names = this.namesOf(editor.partition);
      this.stage.draw();
    }), wait);
    this.naming = naming;
  }

  /** Names of the largest segments; of large regions, those of a coarser raster. */
  namesOf({ cells, width, height }) {
    const step = Math.ceil(Math.sqrt((width * height) / LARGE));
    const [columns, rows] = [Math.floor(width / step), Math.floor(height / step)];
    const coarse = Uint16Array.from({ length: columns * rows }, (_, at) => cells[Math.floor(at / columns) * step * width + (at % columns) * step]);
    return components(coarse, 0xff, columns, rows).list.slice(0, MAX_NAMES).flatMap(({ key, x, y, longest }) => {
      const known = this.classes.get(key);
      return known ? [{ text: known.name, x: x * step, y: y * step, room: longest * step }] : [];
    });
  }

  // Pointers

  point(place) {
    return rasterPoint(place, this.scene.place);
  }

  how(event) {
    const near = event.pointerType === "touch" ? TOUCH_SNAP : SNAP;
    return { radius: near / this.unit, alt: event.altKey, shift: event.shiftKey };
  }

  /** Screen pixels to one of the raster. */
  get unit() {
    return this.stage.view.scale / this.scene.place.scale;
  }

  get brushes() {
    return this.editor.tool === "brush" || this.editor.tool === "eraser";
  }

  down(event, place) {
    if (event.button > 0 || this.space) {
      this.moved = true;
      return false;
    }
    this.stage.canvas.focus({ preventScroll: true });
    this.scene.crosshair = null;
    this.acted();
    if (this.brushes) this.editor.brush(this.point(place), "start");
    else if (event.pointerType === "touch") this.editor.hover(this.point(place), this.how(event));
    else this.click(event, place);
    return true;
  }

  move(event, place) {
    this.acted();
    const point = this.point(place);
    if (this.brushes) this.brushTo(event, point);
    else this.editor.hover(point, this.how(event));
  }

  brushTo(event, point) {
    this.scene.cursor = point;
    this.editor.brush(point, "go");
  }

  up(event, place) {
    this.acted();
    if (this.brushes) this.editor.brush(this.point(place), "end");
    else if (event.pointerType === "touch") this.click(event, place);
  }

  cancel() {
    this.editor.cancelBrush();
    this.editor.preview = null;
  }

  hover(event, place) {
    this.acted();
    const point = this.point(place);
    this.scene.crosshair = null;
    this.scene.cursor = this.brushes ? point : null;
    if (this.brushes) this.stage.draw();
    else this.editor.hover(point, this.how(event));
  }

  click(event, place) {
    const { last } = this;
    const away = last ? Math.hypot(event.clientX - last.x, event.clientY - last.y) : Infinity;
    const double = away < DOUBLE.pixels && event.timeStamp - last.time < DOUBLE.milliseconds;
    this.last = double ? null : { x: event.clientX, y: event.clientY, time: event.timeStamp };
    this.editor.click(this.point(place), { ...this.how(event), double });
  }

  // Keys

  /** True where an arrow key has moved the crosshair. */
  arrow(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (!move || !this.scene) return false;
    const { width, height } = this.editor;
    const step = event.shiftKey ? FAR : 1;
    const [x, y] = this.scene.crosshair ?? [Math.floor(width / 2), Math.floor(height / 2)];
    const at = this.scene.crosshair ? [x + step * move[0], y + step * move[1]] : [x, y];
    this.scene.crosshair = [Math.max(0, Math.min(width, at[0])), Math.max(0, Math.min(height, at[1]))];
    this.scene.cursor = this.brushes ? this.scene.crosshair : null;
    this.editor.hover(this.scene.crosshair, { radius: 0.25, alt: true, shift: false });
    this.stage.draw();
    return true;
  }

  /** Click where the crosshair is. shift: live-wire, or beside what is selected. */
  clickCrosshair(shift) {
    const { crosshair } = this.scene;
    if (!crosshair) return;
    if (this.brushes) {
      this.editor.brush(crosshair, "start");
      this.editor.brush(crosshair, "end");
      return;
    }
    const { width, height } = this.editor;
    const inside = [Math.min(width - 0.5, crosshair[0] + 0.001), Math.min(height - 0.5, crosshair[1] + 0.001)];
    this.editor.click(this.editor.tool === "segment" ? inside : crosshair, { radius: 0.25, alt: false, shift, double: false });
  }

  /** Nothing is drawn on what is on screen any more. */
  leave() {
    this.editor?.removeEventListener("change", this.changed);
    this.editor = null;
  }

  close() {
    clearTimeout(this.naming);
    this.naming = null;
    this.leave();
    this.stage.close();
  }
}
