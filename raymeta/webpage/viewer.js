// One picture with its layers: loads them from a source, paints them, and shows what they say.
import { boxTable } from "./box_table.js";
import { element } from "./dom.js";
import { MAPS } from "./heat_map.js";
import { icon } from "./icons.js";
import { layerList } from "./layer_list.js";
import { legend } from "./legend.js";
import { failure } from "./notices.js";
import { boxAround, readout } from "./readout.js";
import { drawCandidate, drawLabelled, drawQuery } from "./region_drawing.js";
import { isAbort } from "./service.js";
import { Stage } from "./stage.js";

const READ = ["segmentation", "predicted_iou", "joint"]; // maps that the read-out needs beside the shown one
const OPACITY_STEP = 0.1;
const PIXELS_SHOW = 4; // from this zoom on, pixels of the photograph are squares

/** Layers as the user left them; they hold from image to image. */
export const chosen = { map: "joint", labelled: true, boxes: true, opacity: 0.6 };

/** options: {head: node, model, hasLabels, boxesTitle, layersChanged(), loaded(regions)}. */
export class Viewer {
  constructor(source, options) {
    Object.assign(this, { source, options, model: options.model });
    this.controller = new AbortController();
    this.maps = new Map();
    this.loading = new Map();
    this.regions = null;
    this.bitmap = null;
    this.point = null;
    this.marked = null;
    this.opening = false;
    const can = this.model.maps;
    if (chosen.map !== "none" && !can.includes(chosen.map)) chosen.map = can.includes("entropy") ? "entropy" : "segmentation";
    this.build();
    this.load();
  }

  build() {
    const { options } = this;
    this.stage = new Stage({ label: this.source.title, paint: (context, view) => this.paint(context, view), hover: (point) => this.hover(point) });
    this.readout = element("div", { class: "readout numbers" });
    this.working = element("div", { class: "working", role: "status", hidden: true }, element("span", { class: "reader-only" }, "loading"));
    this.trouble = element("div", { class: "stage-trouble", hidden: true });
    this.stage.element.append(this.working, this.zoomButtons(), this.readout, this.trouble);
    this.layers = layerList(chosen, {
      available: this.model.maps, hasLabels: options.hasLabels, boxesTitle: options.boxesTitle,
      changed: (layers) => this.setLayers(layers),
    });
    this.legend = element("div", { class: "legend" });
    this.boxes = element("section", { class: "side-part box-part", "aria-label": options.boxesTitle });
    const side = element(
      "aside", { class: "side", "aria-label": "Layers and values" }, options.head,
      element("section", { class: "side-part" }, this.layers),
      element("section", { class: "side-part", "aria-label": "Legend" }, element("h2", { class: "side-title" }, "Legend"), this.legend),
      this.boxes,
    );
    this.element = element("div", { class: "viewer" }, this.stage.element, side);
    this.showReadout();
    this.showLegend();
  }

  zoomButtons() {
    const button = (name, label, act) => element("button", { class: "button icon", type: "button", "aria-label": label, title: label, click: act }, icon(name));
    return element(
      "div", { class: "zoom-buttons" }, button("plus", "Zoom in", () => this.stage.zoom(1.35)),
      button("minus", "Zoom out", () => this.stage.zoom(1 / 1.35)), button("fit", "Fit", () => this.stage.fit()),
    );
  }

  /** Picture and regions first, then the shown map, then what the read-out needs, one after the other. */
  async load() {
    this.trouble.hidden = true;
    this.opening = true;
    this.showWork();
    const { signal } = this.controller;
    try {
      this.bitmap = await this.source.picture(signal);
      this.setFrame(this.bitmap);
      const regions = this.source.regions(signal).then((answer) => this.showBoxes(answer));
      await Promise.all([this.needMap(chosen.map), regions]);
      for (const name of READ) await this.needMap(name);
    } catch (error) {
      if (!isAbort(error) && !signal.aborted) this.fail(error);
    } finally {
      this.opening = false;
      this.showWork();
    }
  }

  /** Shown without a break from the picture's request to the last map's arrival. */
  showWork() {
    this.working.hidden = !this.opening && this.loading.size === 0;
  }

  /** Fetch a map once; the same promise for all who ask meanwhile. */
  async needMap(name) {
    if (!this.model.maps.includes(name) || this.maps.has(name)) return;
    if (!this.loading.has(name)) {
      const fetched = this.source.map(name, this.controller.signal).then((map) => this.keep(map));
      this.loading.set(name, fetched.finally(() => {
        this.loading.delete(name);
        this.showWork();
      }));
      this.showWork();
    }
    await this.loading.get(name);
  }

  keep(map) {
    this.maps.set(map.name, map);
    // The service may have scaled an own image: boxes and maps count in the network's pixels.
    if (map.name !== "joint") this.setFrame(map);
    if (map.name === chosen.map) this.showLegend();
    this.showReadout();
    this.stage.draw();
  }

  fail(error) {
    this.trouble.hidden = false;
    this.legend.replaceChildren(element("p", { class: "soft small" }, "Nothing to explain: no map could be loaded."));
    this.trouble.replaceChildren(failure(error, () => this.load()));
  }

  /** The picture's shape, for the height of the stage on a phone. */
  setFrame({ width, height }) {
    this.element.style.setProperty("--picture", (height / width).toFixed(4));
    this.stage.setFrame(width, height);
  }

  setLayers(layers) {
    Object.assign(chosen, layers);
    this.layers.show(chosen);
    this.showLegend();
    this.showReadout();
    this.stage.draw();
    this.options.layersChanged();
    this.needMap(chosen.map).catch((error) => isAbort(error) || this.fail(error));
  }

  showLegend() {
    const map = this.maps.get(chosen.map) ?? null;
    const waits = chosen.map !== "none" && !map;
    this.legend.replaceChildren(waits ? element("div", { class: "skeleton legend-skeleton" }) : legend(map, this.model.classes));
  }

  showReadout() {
    const parts = readout(this.point, this.stage.frame, this.maps, chosen.map, this.model.classes);
    this.readout.replaceChildren(...parts);
  }

  showBoxes(regions) {
    this.regions = regions;
    const { boxes } = regions;
    this.table = boxTable(boxes, {
      mark: (box) => this.mark(box),
      choose: (box) => {
        this.stage.show(box);
        this.mark(box);
      },
    });
    const head = element("h2", { class: "side-title" }, this.options.boxesTitle, element("span", { class: "soft" }, ` ${boxes.length}`));
    const none = element("p", { class: "soft small" }, "None in this image.");
    this.boxes.replaceChildren(head, boxes.length ? this.table : none);
    this.options.loaded(regions);
    this.stage.draw();
  }

  mark(box) {
    this.marked = box;
    this.table?.point(box);
    this.stage.draw();
  }

  hover(point) {
    this.point = point;
    const over = point && chosen.boxes && this.regions?.boxes.find((box) => point.x >= box.left && point.y >= box.top && point.x < box.left + box.width && point.y < box.top + box.width);
    this.marked = over || null;
    this.table?.point(this.marked);
    this.showReadout();
    this.stage.draw();
  }

  paint(context, view) {
    if (!this.bitmap) return;
    const { frame } = this.stage;
    const at = [view.x, view.y, frame.width * view.scale, frame.height * view.scale];
    context.imageSmoothingEnabled = view.scale < PIXELS_SHOW;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.bitmap, ...at);
    const map = this.maps.get(chosen.map);
    if (map) this.paintMap(context, view, map);
    if (this.regions && chosen.labelled) drawLabelled(context, view, this.regions.labelled, frame, this.regions.wholly);
    if (map?.name === "joint" && this.point && !this.marked) drawCandidate(context, view, boxAround(this.point, frame, map));
    if (this.regions && chosen.boxes) drawQuery(context, view, this.regions.boxes, this.marked);
  }

  /** A map of boxes is smaller than the picture: each cell lies at the centre of its box. */
  paintMap(context, view, map) {
    const { frame } = this.stage;
    const right = ((frame.width - map.width) / 2) * view.scale;
    const down = ((frame.height - map.height) / 2) * view.scale;
    context.globalAlpha = chosen.opacity;
    context.imageSmoothingEnabled = view.scale < 1;
    context.drawImage(map.canvas, view.x + right, view.y + down, map.width * view.scale, map.height * view.scale);
    context.globalAlpha = 1;
  }

  /** True where the key was for the viewer. */
  key(event) {
    const digit = /^[1-8]$/.test(event.key) ? Number(event.key) : 0;
    if (digit >= 1 && digit <= 6) this.toggleMap(MAPS[digit - 1].name);
    else if (digit === 7 && this.options.hasLabels) this.setLayers({ ...chosen, labelled: !chosen.labelled });
    else if (digit === 8) this.setLayers({ ...chosen, boxes: !chosen.boxes });
    else if (event.key === "[" || event.key === "]") this.fade(event.key === "]" ? OPACITY_STEP : -OPACITY_STEP);
    else return this.stage.key(event);
    return true;
  }

  toggleMap(name) {
    if (!this.model.maps.includes(name)) return;
    this.setLayers({ ...chosen, map: chosen.map === name ? "none" : name });
  }

  fade(step) {
    this.setLayers({ ...chosen, opacity: Math.max(0, Math.min(1, Math.round((chosen.opacity + step) * 100) / 100)) });
  }

  close() {
    this.controller.abort();
    this.stage.close();
    this.bitmap?.close();
    this.bitmap = null; // what is still planned to be painted finds nothing
  }
}
