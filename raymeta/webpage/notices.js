// What the page says when there is nothing to show, when something failed, and in passing.
import { element } from "./dom.js";
import { icon } from "./icons.js";

/** A message in place of a view. action: [label, callback] or null. */
export function notice(title, text, { sign = "waiting", bad = false, action = null } = {}) {
  const button = action && element("button", { class: "button", type: "button", click: action[1] }, action[0]);
  const role = bad ? "alert" : "status";
  return element("div", { class: bad ? "lonely bad" : "lonely", role }, icon(sign), element("h1", {}, title), element("p", {}, text), button);
}

/** A failed request in place of a view. */
export function failure(error, retry) {
  const title = error.status === 0 ? "No answer" : error.status === 404 ? "Not found" : "That did not work";
  return notice(title, error.message, { sign: "trouble", bad: true, action: retry && ["Try again", retry] });
}

/** A message that leaves by itself. */
export function toast(text, { bad = false } = {}) {
  const message = element("div", { class: bad ? "toast bad" : "toast" }, icon(bad ? "trouble" : "fresh"), element("span", {}, text));
  document.getElementById("toasts").append(message);
  setTimeout(() => message.remove(), bad ? 9000 : 5000);
}
