// One image of the pool, with its neighbours in the order in which the pool was left.
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { PoolSource } from "./image_sources.js";
import { isAbort } from "./service.js";
import { PoolPages } from "./pool_pages.js";
import { count, quantity, unitNames } from "./number_text.js";
import { orderValues, poolOrder, routeHash } from "./route.js";
import { MAPS } from "./heat_map.js";
import { chosen, Viewer } from "./viewer.js";

const SPLITS = {
  pool: "pool image", initial: "labelled from the start: the network is trained on all of it",
  meta: "meta set: fits the meta regressor, never queried",
};
let view = null; // zoom and place, kept where the same image is shown anew under a new iteration

/** context: as for the pool. */
export class ImageView {
  constructor(context) {
    this.context = context;
    this.imageId = context.route.imageId;
    this.title = this.imageId;
    this.order = poolOrder(context.route.params);
    const layer = context.route.params.get("layer");
    if (layer && (layer === "none" || MAPS.some(({ name }) => name === layer))) chosen.map = layer;
    const source = new PoolSource(context.service, context.live.model, this.imageId, context.iteration);
    this.viewer = new Viewer(source, {
      head: this.head(), model: context.live.model, hasLabels: true, boxesTitle: `Queried ${unitNames(context.live.model.unit)[1]}`,
      layersChanged: () => this.keepAddress(), loaded: (regions) => this.tell(regions),
    });
    this.element = this.viewer.element;
    if (view?.imageId === this.imageId) Object.assign(this.viewer.stage, view.stage);
    this.at = null;
    this.pages = new PoolPages(context.service, this.order, context.iteration);
    this.findNeighbours();
  }

  head() {
    this.facts = element("p", { class: "soft small" }, " ");
    this.label = element("div", { class: "label-offer" });
    this.position = element("span", { class: "soft small numbers position" });
    const link = (name, label) => element("a", { class: "button icon", "aria-label": label, title: label, "aria-disabled": "true" }, icon(name));
    this.previous = link("previous", "Previous image");
    this.next = link("next", "Next image");
    this.back = element("a", { class: "button", href: this.poolHash() }, icon("back"), "Pool");
    return element(
      "div", { class: "side-head" },
      element("div", { class: "side-nav" }, this.back, this.position, this.previous, this.next),
      element("h1", { class: "image-name" }, this.imageId), this.facts, this.label,
    );
  }

  poolHash() {
    return routeHash("pool", { ...orderValues(this.order), iteration: this.context.pinned });
  }

  hash(imageId, at) {
    return routeHash("image", { ...orderValues(this.order), at, layer: chosen.map, iteration: this.context.pinned }, imageId);
  }

  keepAddress() {
    this.context.replaceHash(this.hash(this.imageId, this.at));
    this.linkNeighbours();
  }

  tell(regions) {
    this.facts.textContent = [SPLITS[regions.split], `iteration ${this.context.iteration}`].filter(Boolean).join(" · ");
    this.offerLabelling();
  }

  /** A way to label this image's boxes, where people are asked and some are open. */
  async offerLabelling() {
    try {
      const { total } = await this.context.service.json("v1/tasks?state=proposed&state=handed_out", { query: { image_id: this.imageId, limit: 1 } });
      const href = routeHash("annotate", { image_id: this.imageId });
      if (total) this.label.replaceChildren(element("a", { class: "button main", href }, icon("brush"), `Label ${quantity(total, ...unitNames(this.context.live.model.unit))}`));
    } catch {
      // A service without tasks: there is nothing to label.
    }
  }

  async findNeighbours() {
    try {
      const wanted = Number(this.context.route.params.get("at") ?? NaN);
      const there = Number.isInteger(wanted) ? await this.pages.ready(wanted) : null;
      const at = there?.image_id === this.imageId ? wanted : await this.pages.find(this.imageId);
      if (at < 0) return;
      this.at = at;
      this.neighbours = await Promise.all([this.pages.ready(at - 1), this.pages.ready(at + 1)]);
      this.position.textContent = `${count(at + 1)} of ${count(this.pages.total)}`;
      this.linkNeighbours();
    } catch (error) {
      if (!isAbort(error)) this.position.textContent = ""; // the picture shows without them; its own failure is told there
    }
  }

  linkNeighbours() {
    if (!this.neighbours) return;
    [this.previous, this.next].forEach((link, index) => {
      const row = this.neighbours[index];
      if (!row) return;
      link.href = this.hash(row.image_id, this.at + (index ? 1 : -1));
      link.removeAttribute("aria-disabled");
    });
  }

  key(event) {
    if (this.viewer.key(event)) event.preventDefault();
    else if (event.key === "Escape") this.back.click();
    else if (event.key === "ArrowLeft" && this.previous.href) this.previous.click();
    else if (event.key === "ArrowRight" && this.next.href) this.next.click();
  }

  close() {
    const { stage } = this.viewer;
    view = { imageId: this.imageId, stage: { view: stage.view, fitted: stage.fitted, frame: stage.frame } };
    this.pages.close();
    this.viewer.close();
  }
}
