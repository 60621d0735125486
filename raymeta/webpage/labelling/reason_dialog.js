// Asks for a sentence that somebody else will read.
import { element } from "../dom.js";

/** Resolves to the sentence, or to null. */
export function askReason(title, text) {
  const field = element("textarea", { class: "field reason", rows: "3", required: true, maxlength: "1000", "aria-label": text });
  const form = element(
    "form", { method: "dialog" },
    element("div", {}, element("h2", { id: "reason-title" }, title), element("p", { class: "soft" }, text)), field,
    element("div", { class: "row" },
      element("button", { class: "button", type: "button", click: () => dialog.close("") }, "Cancel"),
      element("button", { class: "button main", value: "ok" }, "Send")),
  );
  const dialog = element("dialog", { "aria-labelledby": "reason-title" }, form);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "ok" && field.value.trim() ? field.value.trim() : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
