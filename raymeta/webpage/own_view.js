// A picture of the user's: dropped, chosen or pasted anywhere on the page.
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { OwnSource } from "./image_sources.js";
import { unitNames } from "./number_text.js";
import { Viewer } from "./viewer.js";

const own = { file: null, settings: {} }; // kept while the page is open

/** Remember a picture for the view. */
export function setOwnFile(file) {
  own.file = file;
}

/** Strategies for a picture without ground truth, the run's first; one that counts true clicks needs that. */
function ownStrategies({ strategies, strategy }) {
  return strategy.endsWith("_star") || strategy === "full_set" ? strategies : [strategy, ...strategies.filter((name) => name !== strategy)];
}

export class OwnView {
  constructor(context) {
    this.context = context;
    this.title = own.file?.name ?? "Own image";
    this.progress = element("progress", { max: 1, value: 0, "aria-label": "Upload", hidden: true });
    this.viewer = own.file ? this.view() : null;
    this.element = this.viewer?.element ?? this.invitation();
  }

  view() {
    const { service, live, iteration } = this.context;
    const { model } = live;
    const strategy = own.settings.strategy ?? ownStrategies(model)[0];
    // The run's own is never named: then the service proposes what the run asks for, superpixels for example.
    const settings = { ...own.settings, strategy: strategy === model.strategy ? undefined : strategy };
    const proposed = unitNames(settings.strategy ? "box" : model.unit)[1];
    const source = new OwnSource(service, model, own.file, iteration, settings, (share) => this.uploaded(share));
    return new Viewer(source, {
      head: this.head(model, strategy), model, hasLabels: false, boxesTitle: `Best ${proposed}`, layersChanged: () => {}, loaded: () => {},
    });
  }

  uploaded(share) {
    this.progress.value = share;
    this.progress.hidden = share >= 1;
  }

  head(model, chosen) {
    const strategy = element(
      "select", { class: "select", id: "own-strategy", change: () => this.again({ strategy: strategy.value }) },
      ...ownStrategies(model).map((name) => element("option", { value: name, selected: name === chosen }, name)));
    const width = element("input", {
      class: "field", id: "own-width", type: "number", min: 1, step: 1, inputmode: "numeric", value: own.settings.box_width ?? model.box_width,
      change: () => width.checkValidity() && width.value && this.again({ box_width: Number(width.value) }),
    });
    return element(
      "div", { class: "side-head" },
      element("div", { class: "side-nav" }, this.chooser("Choose another")),
      element("h1", { class: "image-name" }, own.file.name),
      element("p", { class: "soft small" }, `${Math.ceil(own.file.size / 1024)} kB · not stored by the service · iteration ${this.context.iteration}`), this.progress,
      element("div", { class: "own-settings" },
        element("label", { for: "own-strategy" }, "Strategy"), strategy, element("label", { for: "own-width" }, "Box width"), width),
    );
  }

  again(change) {
    own.settings = { ...own.settings, ...change };
    this.context.rebuild();
  }

  chooser(text, main = false) {
    const input = element("input", { type: "file", accept: "image/png,image/jpeg", class: "reader-only", tabindex: "-1", "aria-hidden": "true", change: () => input.files.length && this.context.open(input.files[0]) });
    const button = element("button", { class: main ? "button main" : "button", type: "button", click: () => input.click() }, icon("upload"), text);
    return element("span", { class: "chooser" }, button, input);
  }

  invitation() {
    return element(
      "section", { class: "invitation", "aria-labelledby": "own-title" },
      element("div", { class: "invitation-box" }, icon("picture"),
        element("h1", { id: "own-title" }, "See the priority map of your own image"),
        element("p", { class: "soft" }, "Drop a PNG or JPEG anywhere on this page, paste one, or choose a file. The service scores it and stores nothing."),
        this.chooser("Choose an image", true)),
    );
  }

  key(event) {
    if (this.viewer?.key(event)) event.preventDefault();
    else if (event.key === "Escape" && own.file) {
      own.file = null;
      this.context.rebuild();
    }
  }

  close() {
    this.viewer?.close();
  }
}
