// The page: one view at a time, chosen by the address, built anew when the run commits an iteration.
import { askToken, showKeys } from "./dialogs.js";
import { element, isTyping } from "./dom.js";
import { watchForPictures } from "./drop_zone.js";
import { ImageView } from "./image_view.js";
import { AnnotateView } from "./labelling/annotate_view.js";
import { ReviewView } from "./labelling/review_view.js";
import { LiveRun } from "./live_run.js";
import { failure, notice, toast } from "./notices.js";
import { overview } from "./overview.js";
import { OwnView, setOwnFile } from "./own_view.js";
import { PoolView } from "./pool.js";
import { chosenIteration, LABELLING, parseRoute, routeHash } from "./route.js";
import { Service } from "./service.js";
import { Thumbnails } from "./thumbnails.js";
import { TopBar } from "./top_bar.js";

const main = document.getElementById("main");
const service = new Service(askToken);
const live = new LiveRun(service);
const thumbnails = new Thumbnails(service);
const bar = new TopBar(live, pickIteration);
let started = false; // true once the service has told how far the run is; no view can be built before
let current = null; // the view on show: {element, title, key?(event), close?()}
let route = parseRoute(location.hash);

function pickIteration(iteration) {
  const params = Object.fromEntries(route.params);
  location.hash = routeHash(route.view, { ...params, iteration }, route.imageId || null);
}

function replaceHash(hash) {
  history.replaceState(null, "", hash);
  route = parseRoute(hash);
  bar.show(route, chosenIteration(route.params));
}

/** The view that the address asks for; a message where it can't be shown. */
function build() {
  if (LABELLING.has(route.view)) return new { annotate: AnnotateView, review: ReviewView }[route.view]({ service, route, replaceHash });
  const pinned = chosenIteration(route.params);
  const known = [...new Set([...live.progress.iterations.map((row) => row.iteration), live.newest])].filter((number) => number !== null);
  if (pinned !== null && !known.includes(pinned)) {
    const text = `Finished so far: ${known.join(", ") || "none"}.`;
    return { title: "Overview", element: notice(`No iteration ${pinned}`, text, { sign: "trouble", bad: true, action: ["Show the newest", () => pickIteration(null)] }) };
  }
  const iteration = pinned ?? live.newest;
  const context = { service, live, route, iteration, pinned, thumbnails, replaceHash, rebuild: render, open: openOwn };
  if (route.view === "overview" || live.model === null) return overview(context);
  return new { pool: PoolView, image: ImageView, own: OwnView }[route.view](context);
}

/** Does nothing before `start` is through: that builds what the address asks for by then. */
function render() {
  if (!started) return;
  current?.close?.();
  bar.show(route, chosenIteration(route.params));
  current = build();
  document.title = `${current.title} · raymeta`;
  main.replaceChildren(current.element);
  main.dataset.view = route.view;
}

function moved() {
  const before = route;
  route = parseRoute(location.hash);
  render();
  if (before.view !== route.view) {
    if (route.view !== "pool") window.scrollTo(0, 0);
    if (!main.contains(document.activeElement)) main.focus({ preventScroll: true });
  }
}

function openOwn(file) {
  setOwnFile(file);
  if (route.view === "own") render();
  else location.hash = routeHash("own", { iteration: chosenIteration(route.params) });
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
  } else if (event.key === "?") {
    (current?.showKeys ? current : { showKeys }).showKeys();
  } else if (!(event.target.type === "radio" && event.key.startsWith("Arrow"))) {
    current?.key?.(event);
  }
}

/** Build the view anew where the user is: same place, same control in focus. */
function renew() {
  const focused = main.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  const scroll = window.scrollY;
  render();
  window.scrollTo(0, scroll);
  if (focused) [...main.querySelectorAll("[aria-label]")].find((node) => node.getAttribute("aria-label") === focused)?.focus({ preventScroll: true });
}

function runChanged() {
  const newest = live.newest;
  if (LABELLING.has(route.view)) {
    bar.show(route, chosenIteration(route.params));
  } else if (newest !== runChanged.newest && chosenIteration(route.params) === null) {
    toast(`Iteration ${newest} is live.`);
    renew();
  } else if (route.view === "overview") {
    renew();
  } else {
    bar.show(route, chosenIteration(route.params));
  }
  runChanged.newest = newest;
}

async function start() {
  main.replaceChildren(element("div", { class: "starting skeleton", role: "status", "aria-label": "loading" }));
  try {
    await live.start();
  } catch (error) {
    main.replaceChildren(failure(error, start));
    return;
  }
  runChanged.newest = live.newest;
  started = true;
  render();
  bar.showLabelling(service);
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash is the address of the view
  main.focus();
});
window.addEventListener("hashchange", moved);
window.addEventListener("keydown", pressed);
live.addEventListener("change", runChanged);
live.addEventListener("offline", () => bar.showState());
live.addEventListener("online", () => bar.showState());
watchForPictures(openOwn);
start();
