// A few choices in one row, of which one holds: a radio group with arrow keys.
import { element } from "./dom.js";

/** choices: [[value, text], …]. changed(value) is called when the user picks another. */
export function segmentedChoice(label, choices, value, changed) {
  const buttons = choices.map(([name, text]) =>
    element("button", { type: "button", role: "radio", "data-value": name, click: () => pick(name) }, text));
  const group = element("div", { class: "segments", role: "radiogroup", "aria-label": label, keydown: move }, ...buttons);
  const show = (chosen) => {
    for (const button of buttons) {
      const holds = button.dataset.value === chosen;
      button.setAttribute("aria-checked", String(holds));
      button.tabIndex = holds ? 0 : -1;
    }
  };
  function pick(name) {
    show(name);
    changed(name);
  }
  function move(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = buttons.findIndex((button) => button.getAttribute("aria-checked") === "true");
    const button = buttons[(at + step + buttons.length) % buttons.length];
    button.focus();
    pick(button.dataset.value);
  }
  show(value);
  return group;
}
