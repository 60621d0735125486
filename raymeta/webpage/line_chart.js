// One line over one axis, as inline SVG with values under the pointer and under the arrow keys.
import { drawing, element } from "./dom.js";

const MARGIN = { top: 30, right: 22, bottom: 46, left: 46 };

/** Round steps that cover low..high in about `wanted` parts. */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const values = [];
  for (let index = Math.floor(low / step + 1e-9); (index - 1) * step < high - 1e-9; index += 1) values.push(index * step);
  return { values, step };
}

function tickText(value, step) {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toFixed(digits + (step * 10 ** digits === Math.round(step * 10 ** digits) ? 0 : 1));
}

/**
 * chart: {points: [{x, y, lines: [text…]}], xName, yName, whole (x in whole numbers), target: {y, text} or null, label}.
 * The element draws itself anew when its size changes.
 */
export function lineChart(chart) {
  const tip = element("div", { class: "tip", hidden: true });
  const spoken = element("div", { class: "reader-only", "aria-live": "polite" });
  const figure = element("div", { class: "chart" }, tip, spoken);
  let active = null;
  const draw = () => {
    const [width, height] = [figure.clientWidth, figure.clientHeight];
    if (!width || !height) return;
    figure.querySelector("svg")?.remove();
    figure.prepend(picture(chart, width, height, figure, show));
    if (active !== null) show(active);
  };
  const show = (index, speak = false) => {
    active = index;
    mark(figure, tip, chart, index);
    if (speak && index !== null) spoken.textContent = chart.points[index].lines.join(", ");
  };
  const observer = new ResizeObserver(draw);
  observer.observe(figure);
  return figure;
}

function scales(chart, width, height) {
  const xs = chart.points.map((point) => point.x);
  const ys = [...chart.points.map((point) => point.y), ...(chart.target ? [chart.target.y] : [])];
  const parts = Math.max(2, Math.min(8, Math.floor((width - 80) / 90)));
  const x = ticks(chart.whole ? xs[0] : 0, Math.max(...xs, chart.whole ? xs[0] + 1 : 0), parts);
  if (chart.whole) x.values = wholeTicks(xs[0], xs.at(-1), parts);
  const room = (Math.max(...ys) - Math.min(...ys)) * 0.15 || 2;
  const y = ticks(Math.max(0, Math.min(...ys) - room), Math.max(...ys) + room / 3);
  const across = [x.values[0], x.values.at(-1)];
  const up = [y.values[0], y.values.at(-1)];
  const floor = height - MARGIN.bottom;
  const toX = (value) => MARGIN.left + ((value - across[0]) / (across[1] - across[0])) * (width - MARGIN.left - MARGIN.right);
  const toY = (value) => floor - ((value - up[0]) / (up[1] - up[0])) * (floor - MARGIN.top);
  return { x, y, toX, toY, floor };
}

function wholeTicks(first, last, parts) {
  const step = Math.max(1, Math.ceil((last - first) / parts));
  const values = [];
  for (let value = first; value < last; value += step) values.push(value);
  return [...values, Math.max(last, first + 1)].filter((value, at, all) => at === all.length - 1 || all.at(-1) - value >= step);
}

function picture(chart, width, height, figure, show) {
  const place = scales(chart, width, height);
  const spots = chart.points.map((point) => [place.toX(point.x), place.toY(point.y)]);
  figure.spots = spots;
  const path = spots.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const { floor } = place;
  const root = drawing(
    "svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", tabindex: "0", "aria-label": chart.label },
    axes(chart, place, width), targetLine(chart, place, width),
    drawing("path", { class: "under", d: `${path}L${spots.at(-1)[0]} ${floor}L${spots[0][0]} ${floor}Z` }),
    drawing("path", { class: "line", d: path }),
    drawing("line", { class: "guide", y1: MARGIN.top, y2: floor, visibility: "hidden" }),
    ...spots.map(([cx, cy], index) => drawing("circle", { class: index === spots.length - 1 ? "dot last" : "dot", cx, cy, r: 4.5 })),
  );
  listen(root, chart, spots, show);
  return root;
}

function axes(chart, { x, y, toX, toY, floor }, width) {
  const group = drawing("g", { class: "axes" });
  for (const value of y.values) {
    group.append(drawing("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: toY(value), y2: toY(value) }));
    group.append(drawing("text", { x: MARGIN.left - 9, y: toY(value) + 4, "text-anchor": "end" }, tickText(value, y.step)));
  }
  for (const value of x.values) {
    group.append(drawing("text", { x: toX(value), y: floor + 20, "text-anchor": "middle" }, tickText(value, chart.whole ? 1 : x.step)));
  }
  group.append(drawing("text", { class: "name", x: (MARGIN.left + width - MARGIN.right) / 2, y: floor + 40, "text-anchor": "middle" }, chart.xName));
  group.append(drawing("text", { class: "name", x: 8, y: 13, "text-anchor": "start" }, chart.yName));
  return group;
}

function targetLine(chart, { toY }, width) {
  if (!chart.target) return null;
  const y = toY(chart.target.y);
  return drawing(
    "g", { class: "target" },
    drawing("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
    drawing("text", { x: MARGIN.left + 6, y: y - 7 }, chart.target.text),
  );
}

function listen(root, chart, spots, show) {
  let at = spots.length - 1;
  root.addEventListener("pointermove", (event) => {
    const x = event.clientX - root.getBoundingClientRect().left;
    const gaps = spots.map(([spot]) => Math.abs(spot - x));
    at = gaps.indexOf(Math.min(...gaps));
    show(at);
  });
  root.addEventListener("pointerleave", () => show(null));
  root.addEventListener("focus", () => root.matches(":focus-visible") && show(at, true));
  root.addEventListener("blur", () => show(null));
  root.addEventListener("keydown", (event) => {
    const moved = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: spots.length - 1 }[event.key];
    if (moved === undefined) return;
    event.preventDefault();
    at = Math.max(0, Math.min(spots.length - 1, moved));
    show(at, true);
  });
}

/** Put guide, tip and the larger dot on a point; null takes them away. */
function mark(figure, tip, chart, index) {
  const guide = figure.querySelector(".guide");
  figure.querySelectorAll(".dot").forEach((dot, at) => dot.classList.toggle("active", at === index));
  tip.hidden = index === null;
  guide?.setAttribute("visibility", index === null ? "hidden" : "visible");
  if (index === null) return;
  const [x, y] = figure.spots[index];
  guide.setAttribute("x1", x);
  guide.setAttribute("x2", x);
  const [head, ...lines] = chart.points[index].lines;
  tip.replaceChildren(element("strong", {}, head), ...lines.map((line) => element("span", {}, line)));
  const left = Math.max(4, Math.min(figure.clientWidth - tip.offsetWidth - 4, x - tip.offsetWidth / 2));
  const above = y - tip.offsetHeight - 14;
  tip.style.translate = `${left}px ${above < 0 ? y + 14 : above}px`;
}
