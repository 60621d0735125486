// Light, dark, or as the system has it.
import { element } from "./dom.js";
import { icon } from "./icons.js";

const KEY = "raymeta-theme";
const THEMES = ["system", "light", "dark"];

function stored() {
  return document.documentElement.dataset.theme ?? "system";
}

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is switched off: the choice holds until the page is closed.
  }
}

/** The button that goes through the themes. */
export function themeButton() {
  const button = element("button", { class: "button icon", type: "button", click: () => {
    apply(THEMES[(THEMES.indexOf(stored()) + 1) % THEMES.length]);
    show();
  } });
  function show() {
    const theme = stored();
    const label = `Theme: ${theme}; switch to ${THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]}`;
    button.replaceChildren(icon(theme));
    button.setAttribute("aria-label", label);
    button.title = label;
  }
  show();
  return button;
}
