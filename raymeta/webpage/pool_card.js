// One image of the pool as a card.
import { element } from "./dom.js";
import { count, fixed, percent, quantity, score, unitNames } from "./number_text.js";

const TAIL = 8; // characters of a long name that always show

const SPLITS = { initial: "labelled from the start", meta: "meta set" };

const BADGES = {
  score: (row) => ["score", score(row.best_score)],
  image_id: (row) => ["score", score(row.best_score)],
  entropy: (row) => ["entropy", fixed(row.mean_entropy, 3)],
  predicted_iou: (row) => ["IoU", percent(row.mean_predicted_iou)],
  clicks: (row) => ["clicks", count(row.estimated_clicks)],
};

/** Height of a card below its picture, in pixels. */
export const CAPTION = 58;

/** row: an image of /v1/pool, or undefined while it is on its way; unit: what a query asks for. Returns {node, close(), pending}. */
export function poolCard(row, { href, unit, sort, aspect, size, thumbnails }) {
  if (!row) return { node: placeholder(aspect), close: () => {}, pending: true };
  const image = element("img", { alt: "", draggable: "false" });
  const frame = element("span", { class: "thumb loading" }, image, badges(row, sort));
  frame.style.aspectRatio = aspect;
  const node = element(
    "a", { class: "card pool-card", href, "aria-label": spoken(row, sort, unit) },
    frame,
    element("span", { class: "caption" }, name(row.image_id), element("span", { class: "facts numbers" }, facts(row, unit))),
  );
  const side = Math.min(2048, 80 * Math.ceil((size * Math.min(2, window.devicePixelRatio)) / 80));
  const close = thumbnails.show(image, row.image_id, side, (error) => {
    frame.classList.remove("loading");
    if (error) frame.append(element("span", { class: "thumb-error" }, error.message));
  });
  return { node, close, pending: false };
}

function placeholder(aspect) {
  const thumb = element("span", { class: "thumb loading" });
  thumb.style.aspectRatio = aspect;
  return element("div", { class: "card pool-card", "aria-label": "loading" }, thumb);
}

/** A name whose end stays readable where the middle is cut. */
function name(imageId) {
  const cut = Math.max(0, imageId.length - TAIL);
  return element("span", { class: "name", title: imageId }, element("span", { class: "name-head" }, imageId.slice(0, cut)), element("span", { class: "name-tail" }, imageId.slice(cut)));
}

function badges(row, sort) {
  if (row.error) return element("span", { class: "badge bad" }, "unreadable");
  const [label, value] = (BADGES[sort] ?? BADGES.score)(row);
  const own = SPLITS[row.split];
  if (own) return element("span", { class: "badge" }, own);
  return element("span", { class: "badge" }, element("span", { class: "badge-name" }, label), ` ${value}`);
}

function facts(row, unit) {
  if (row.error) return row.error;
  const parts = [];
  if (row.query_boxes) parts.push(element("span", { class: "asked" }, quantity(row.query_boxes, ...unitNames(unit))));
  else if (row.split === "pool") parts.push(`no ${unit} in the query`);
  if (row.labelled_boxes) parts.push(`${count(row.labelled_boxes)} labelled`);
  if (!row.query_boxes && !row.labelled_boxes && SPLITS[row.split]) parts.push("not queried");
  return parts.flatMap((part, index) => (index ? [" · ", part] : [part]));
}

function spoken(row, sort, unit) {
  if (row.error) return `${row.image_id}, unreadable: ${row.error}`;
  const [label, value] = (BADGES[sort] ?? BADGES.score)(row);
  const kind = SPLITS[row.split] ?? `${label} ${value}`;
  return `${row.image_id}, ${kind}, ${quantity(row.query_boxes, ...unitNames(unit).map((name) => `queried ${name}`))}, ${quantity(row.labelled_boxes, ...unitNames(unit).map((name) => `labelled ${name}`))}`;
}
