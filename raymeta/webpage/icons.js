// Line icons on a 24-pixel grid.
import { drawing } from "./dom.js";

const PATHS = {
  light: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4"],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"],
  system: ["M4 5h16v11H4z", "M9 20h6M12 16v4"],
  help: ["M9.2 9.2a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1-1.4 2.1", "M12 17.2v.1", "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z"],
  plus: ["M12 5v14M5 12h14"],
  minus: ["M5 12h14"],
  fit: ["M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"],
  back: ["M19 12H5M11 6l-6 6 6 6"],
  previous: ["M15 5l-7 7 7 7"],
  next: ["M9 5l7 7-7 7"],
  descending: ["M7 5v14M3.5 15.5L7 19l3.5-3.5", "M13 6h8M13 12h6M13 18h4"],
  ascending: ["M7 19V5M3.5 8.5L7 5l3.5 3.5", "M13 6h4M13 12h6M13 18h8"],
  download: ["M12 4v11M7.5 11l4.5 4.5 4.5-4.5", "M4 20h16"],
  upload: ["M12 16V4M7.5 8.5L12 4l4.5 4.5", "M4 16v4h16v-4"],
  picture: ["M4 5h16v14H4z", "M4 16l4.5-4.5 4 4 2.5-2.5 5 5", "M15.5 9.2v.1"],
  trouble: ["M12 4l9.5 16h-19z", "M12 10v4.5M12 17.2v.1"],
  waiting: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M12 7v5l3.5 2"],
  search: ["M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14z", "M16.2 16.2L21 21"],
  fresh: ["M5 12.5l4.5 4.5L19 7.5"],
  segment: ["M6 3l12 9-5.5 1L16 19.5l-2.6 1.3L10 14.3 6 18z"],
  polygon: ["M5 8l8-4 7 7-4 8-9-1z", "M5 8v.1M13 4v.1M20 11v.1M16 19v.1M7 18v.1"],
  cut: ["M4 20L20 4", "M4 9V4h5M20 15v5h-5"],
  brush: ["M20 4c-5 2-9 6-10.5 10", "M9.5 14c-3 0-3.5 2-3.5 4 0 1-1 2-2.5 2 4.5 1.5 8.5 0 8.5-3.5 0-1.5-1-2.5-2.5-2.5z"],
  eraser: ["M8 20h12", "M4.5 15.5l9-9 6 6-7 7.500H8z", "M9 11l6 6"],
  rest: ["M4 11l8-7 8 8-8.5 7.500z", "M4 11h14", "M21 15c1 2 .5 4-.8 4s-1.8-2-.2-4"],
  undo: ["M8 5L4 9l4 4", "M4 9h10a5.5 5.5 0 0 1 0 11H9"],
  redo: ["M16 5l4 4-4 4", "M20 9H10a5.5 5.5 0 0 0 0 11h5"],
  hide: ["M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6z", "M4 20L20 4"],
  names: ["M5 7V4h14v3M12 4v16M9 20h6"],
  texture: ["M4 4h16v16H4z", "M4 12L12 4M4 20L20 4M12 20l8-8"],
};

/** A decorative icon: what it means stands in the text or label beside it. */
export function icon(name) {
  const paths = PATHS[name].map((d) => drawing("path", { d }));
  return drawing("svg", { viewBox: "0 0 24 24", class: "icon-mark", "aria-hidden": "true" }, ...paths);
}
