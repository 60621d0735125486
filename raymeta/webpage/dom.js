// Elements from data. Text only ever becomes text nodes or attribute values: nothing from the service is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `attributes`: strings, booleans, or functions (listeners, keyed by event name). */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, as `element`. */
export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** True where a key press belongs to a control that uses it itself. */
export function isTyping(target) {
  return target.closest?.("input:not([type=range], [type=radio], [type=checkbox]), textarea, select, dialog") != null;
}
