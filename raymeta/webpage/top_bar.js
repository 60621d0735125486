// Brand, views, state of the run, iteration, theme and keys.
import { showKeys } from "./dialogs.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { percent } from "./number_text.js";
import { routeHash } from "./route.js";
import { themeButton } from "./theme.js";

const VIEWS = [["overview", "Overview"], ["pool", "Pool"], ["own", "Own image"]];
const PEOPLE = [["annotate", "Label", "annotate"], ["review", "Review", "review"]]; // view, text, role

/** Fills <header>. chosen(iteration or null) is called when the user picks one. */
export class TopBar {
  constructor(live, chosen) {
    this.live = live;
    this.links = VIEWS.map(([view, text]) => [view, element("a", {}, text)]);
    this.state = element("div", { class: "state", role: "status", hidden: true }, element("span", {}));
    this.iterations = element("select", {
      class: "select", "aria-label": "Iteration", hidden: true, change: () => chosen(this.iterations.value === "" ? null : Number(this.iterations.value)),
    });
    const help = element("button", { class: "button icon", type: "button", "aria-label": "Keys", title: "Keys (?)", click: showKeys }, icon("help"));
    const top = document.getElementById("top");
    // What sticks below the bar has to know its height, which depends on fonts and on the width of the window.
    new ResizeObserver(() => document.documentElement.style.setProperty("--top", `${top.offsetHeight}px`)).observe(top);
    top.replaceChildren(
      element("a", { class: "brand", href: routeHash("overview"), "aria-label": "raymeta, overview" }, element("img", { src: "static/icon.svg", alt: "" }), "raymeta"),
      (this.tabs = element("nav", { class: "tabs", "aria-label": "Views" }, ...this.links.map(([, link]) => link))),
      element("div", { class: "tools" }, this.state, this.iterations, themeButton(), help),
    );
  }

  /** Show where the page is; pinned: the iteration that the address asks for, or null. */
  show(route, pinned) {
    this.shown = [route, pinned];
    const here = route.view === "image" ? "pool" : route.view;
    for (const [view, link] of this.links) {
      link.href = routeHash(view, { iteration: pinned });
      if (view === here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this.showIterations(pinned);
    this.showState();
  }

  /** The views of people who label, where the run asks them. */
  async showLabelling(service) {
    try {
      const me = await service.json("v1/tasks/me");
      if (me.oracle !== "people") return;
      const links = PEOPLE.filter(([, , role]) => role === "annotate" || me.roles.includes(role)).map(([view, text]) => [view, element("a", {}, text)]);
      this.tabs.append(...links.map(([, link]) => link));
      this.links.push(...links);
      this.show(...this.shown);
    } catch {
      // A service without tasks has no such views.
    }
  }

  showIterations(pinned) {
    const rows = this.live.progress?.iterations ?? [];
    this.iterations.hidden = !rows.length;
    const newest = this.live.newest;
    const options = [["", newest === null ? "newest" : `newest: ${newest}`],
      ...[...rows].reverse().map((row) => [String(row.iteration), `${row.iteration} · mIoU ${percent(row.miou)}`])];
    if (pinned !== null && !rows.some((row) => row.iteration === pinned)) options.push([String(pinned), String(pinned)]);
    this.iterations.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    this.iterations.value = pinned === null ? "" : String(pinned);
  }

  showState() {
    const { live } = this;
    this.state.hidden = live.progress === null;
    const state = !live.online ? "offline" : live.model?.finished ? "finished" : "running";
    this.state.dataset.state = state;
    const text = { offline: "no answer, trying again", finished: "run finished", running: "live" }[state];
    if (this.state.firstChild.textContent !== text) this.state.firstChild.textContent = text;
    this.state.title = text;
  }
}
