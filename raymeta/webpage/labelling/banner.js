// A message over the stage that stays until it no longer holds.
import { element } from "../dom.js";
import { icon } from "../icons.js";

export class Banner {
  constructor() {
    this.element = element("div", { class: "annotate-banner", role: "alert", hidden: true });
  }

  /** action: [text, callback] or null. */
  show(text, action = null) {
    const button = action && element("button", { class: "button", type: "button", click: action[1] }, action[0]);
    this.element.replaceChildren(icon("trouble"), element("span", {}, text), ...(button ? [button] : []));
    this.element.hidden = false;
  }

  hide() {
    this.element.hidden = true;
  }
}
