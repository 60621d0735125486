// The two dialogs: the token that a service may ask for, and the keys.
import { element } from "./dom.js";

/** Resolves to the token that the user enters, or to null. refused: an earlier one was wrong. */
export function askToken(refused) {
  const field = element("input", {
    class: "field", type: "password", name: "token", autocomplete: "off", required: true, "aria-label": "Token",
  });
  const alarm = refused && element("p", { class: "alarm", role: "alert" }, "The service refused this token.");
  const form = element(
    "form", { method: "dialog" },
    element("div", {}, element("h2", { id: "token-title" }, "This service asks for a token"),
      element("p", { class: "soft" }, "Your own, if you were given one to label with; else the one it was started with, as RAYMETA_TOKEN. It is kept until you close this tab.")),
    field, alarm,
    element("div", { class: "row" },
      element("button", { class: "button", type: "button", value: "", click: () => dialog.close("") }, "Cancel"),
      element("button", { class: "button main", value: "ok" }, "Continue")),
  );
  const dialog = element("dialog", { "aria-labelledby": "token-title" }, form);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "ok" && field.value ? field.value : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

const KEYS = [
  [["1", "–", "6"], "map over the picture; the same key again hides it"],
  [["7"], "labelled regions"],
  [["8"], "queried boxes"],
  [["+", "−", "0"], "zoom in, zoom out, fit"],
  [["Shift", "←↑↓→"], "move the picture"],
  [["←", "→"], "previous and next image"],
  [["[", "]"], "less and more of the map"],
  [["←↑↓→"], "through the pool; Home, End, Page Up and Page Down too"],
  [["Enter"], "open"],
  [["Esc"], "back to the pool"],
  [["/"], "search the pool"],
  [["?"], "these keys"],
];

/** Show the keys. */
export function showKeys() {
  if (document.querySelector("dialog[open]")) return;
  const rows = KEYS.flatMap(([keys, text]) => [
    element("dt", {}, ...keys.map((key) => (key === "–" ? "–" : element("kbd", {}, key)))),
    element("dd", {}, text),
  ]);
  const close = element("button", { class: "button main", value: "ok" }, "Close");
  const dialog = element(
    "dialog", { "aria-labelledby": "keys-title", close: () => dialog.remove() },
    element("h2", { id: "keys-title" }, "Keys"), element("dl", { class: "keys" }, ...rows),
    element("form", { method: "dialog" }, element("div", { class: "row" }, close)),
  );
  document.body.append(dialog);
  dialog.showModal();
}
