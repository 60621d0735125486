// A canvas on which a picture can be zoomed and moved by wheel, pinch, drag, double-click and keys.
import { element } from "./dom.js";

const LARGEST = 48; // screen pixels to one of the picture
const MARGIN = 16;
const NARROW = 600; // screen pixels of a stage without margins
const STEP = 1.35;

/**
 * paint(context, view): draws in screen pixels; view {scale, x, y}: where the picture lies. hover(point or null).
 * tool: draws on the picture where it is given, {down(event, [x, y]) → true to take the pointer, move, up, cancel(), hover(event, [x, y])};
 * points are continuous and may lie beside the picture. Pointers that it doesn't take move the picture, and so do two fingers.
 * bars: {top, bottom} screen pixels that something covers; the whole picture lies between them.
 */
export class Stage {
  constructor({ paint, hover, label, tool = null, bars = { top: 0, bottom: 0 } }) {
    Object.assign(this, { paint, hover, tool, bars, drawing: null });
    this.frame = { width: 1, height: 1 };
    this.view = { scale: 1, x: 0, y: 0 };
    this.fitted = true;
    this.pointers = new Map();
    this.canvas = element("canvas", { tabindex: "0", role: "img", "aria-label": label });
    this.element = element("div", { class: "stage" }, this.canvas);
    this.listen();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
  }

  close() {
    this.observer.disconnect();
    cancelAnimationFrame(this.planned);
  }

  /** Size of the picture in its own pixels. */
  setFrame(width, height) {
    if (width === this.frame.width && height === this.frame.height) return;
    this.frame = { width, height };
    if (this.fitted) this.fit();
    else this.moved();
  }

  resize() {
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth || !clientHeight) return;
    const ratio = window.devicePixelRatio;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (this.fitted) this.fit();
    else this.moved();
    this.draw();
  }

  /** What the picture keeps free at the stage's edges. */
  get margins() {
    const side = this.element.clientWidth < NARROW ? 0 : MARGIN;
    return { side, top: Math.max(side, this.bars.top), bottom: Math.max(side, this.bars.bottom) };
  }

  get fitScale() {
    const { side, top, bottom } = this.margins;
    const room = (size) => Math.max(1, size);
    return Math.min(room(this.element.clientWidth - 2 * side) / this.frame.width, room(this.element.clientHeight - top - bottom) / this.frame.height);
  }

  fit() {
    this.view.scale = this.fitScale;
    this.fitted = true;
    this.moved();
  }

  /** Zoom by a factor around a point of the screen; the middle where none is given. */
  zoom(factor, x = this.element.clientWidth / 2, y = this.element.clientHeight / 2) {
    const before = this.view.scale;
    const scale = Math.max(this.fitScale, Math.min(LARGEST, before * factor));
    this.view = { scale, x: x - ((x - this.view.x) * scale) / before, y: y - ((y - this.view.y) * scale) / before };
    this.fitted = scale <= this.fitScale * 1.001;
    this.moved();
  }

  pan(right, down) {
    this.view.x += right;
    this.view.y += down;
    this.moved();
  }

  /** Show a box of the picture in the middle, four times its size around it. */
  show({ left, top, width }) {
    const side = Math.min(this.element.clientWidth, this.element.clientHeight);
    this.centre(left + width / 2, top + width / 2, side / (4 * width));
  }

  /** Show a place of the picture in the middle, at a scale of screen pixels to one of the picture. */
  centre(x, y, scale) {
    this.view.scale = Math.max(this.fitScale, Math.min(LARGEST, scale));
    this.fitted = this.view.scale <= this.fitScale * 1.001;
    this.view.x = this.element.clientWidth / 2 - x * this.view.scale;
    this.view.y = this.element.clientHeight / 2 - y * this.view.scale;
    this.moved();
  }

  /** Keep the picture on the stage, tell touch screens what a finger does, and draw. */
  moved() {
    const { scale } = this.view;
    const { side, top, bottom } = this.margins;
    const keep = (at, size, room, before, after) => {
      const free = room - before - after - size;
      return free >= 0 ? before + free / 2 : Math.max(before + free, Math.min(before, at));
    };
    this.view.x = keep(this.view.x, this.frame.width * scale, this.element.clientWidth, side, side);
    this.view.y = keep(this.view.y, this.frame.height * scale, this.element.clientHeight, top, bottom);
    this.canvas.style.touchAction = this.fitted && !this.tool ? "pan-y" : "none";
    this.canvas.style.cursor = this.fitted || this.tool ? "crosshair" : "grab";
    this.draw();
  }

  draw() {
    this.planned ??= requestAnimationFrame(() => {
      this.planned = undefined;
      const ratio = window.devicePixelRatio;
      const context = this.canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, this.canvas.width, this.canvas.height);
      this.paint(context, this.view);
    });
  }

  /** Where in the picture a pointer is, as continuous [x, y]. */
  place(event) {
    const place = this.canvas.getBoundingClientRect();
    return [(event.clientX - place.left - this.view.x) / this.view.scale, (event.clientY - place.top - this.view.y) / this.view.scale];
  }

  /** The pixel of the picture under a pointer; null beside it. */
  pixel(event) {
    const [x, y] = this.place(event).map(Math.floor);
    return x >= 0 && y >= 0 && x < this.frame.width && y < this.frame.height ? { x, y } : null;
  }

  listen() {
    const local = (event) => {
      const place = this.canvas.getBoundingClientRect();
      return [event.clientX - place.left, event.clientY - place.top];
    };
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), ...local(event));
    }, { passive: false });
    this.canvas.addEventListener("dblclick", (event) => this.tool || this.zoom(event.shiftKey ? 0.5 : 2, ...local(event)));
    this.canvas.addEventListener("contextmenu", (event) => this.tool && event.preventDefault());
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, local(event));
      if (this.drawing !== null) this.stopDrawing();
      else if (this.tool && this.pointers.size === 1 && this.tool.down(event, this.place(event))) this.drawing = event.pointerId;
      this.hover(this.pixel(event));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId === this.drawing) this.tool.move(event, this.place(event));
      else if (this.pointers.has(event.pointerId)) this.drag(event.pointerId, local(event));
      else this.tool?.hover(event, this.place(event));
      this.hover(this.pixel(event));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, (event) => {
        this.pointers.delete(event.pointerId);
        if (event.pointerId !== this.drawing) return;
        if (end === "pointercancel") this.stopDrawing();
        else this.tool.up(event, this.place(event));
        this.drawing = null;
      });
    }
    this.canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.hover(null));
  }

  /** A second finger came: both move the picture, and what the first one has begun is dropped. */
  stopDrawing() {
    this.drawing = null;
    this.tool.cancel();
  }

  drag(id, to) {
    const from = this.pointers.get(id);
    const other = [...this.pointers.entries()].find(([key]) => key !== id)?.[1];
    this.pointers.set(id, to);
    if (!other) {
      this.pan(to[0] - from[0], to[1] - from[1]);
      return;
    }
    const span = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
    this.pan((to[0] - from[0]) / 2, (to[1] - from[1]) / 2);
    this.zoom(span(to) / span(from), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
  }

  /** True where the key zooms or moves. */
  key(event) {
    const far = 60;
    const moves = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
    if (event.shiftKey && moves[event.key]) this.pan(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-" || event.key === "_") this.zoom(1 / STEP);
    else if (event.key === "0") this.fit();
    else return false;
    return true;
  }
}
