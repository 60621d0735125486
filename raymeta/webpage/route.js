// Where the page is, kept in location.hash, so that every view has an address.
//   #/  #/pool?sort=entropy  #/image/ID?layer=joint  #/own      each with iteration=N for an older one
//   #/annotate?set=query-003  #/annotate?task=ID  #/review?task=ID

const VIEWS = ["overview", "pool", "image", "own", "annotate", "review"];

/** Views of people who label: they need no finished iteration, and nothing may be built anew under their hands. */
export const LABELLING = new Set(["annotate", "review"]);

/** {view, imageId, params} of a hash; what can't be read is the overview. */
export function parseRoute(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name, ...rest] = path.split("/");
  const params = new URLSearchParams(search);
  const imageId = decode(rest.join("/"));
  const view = VIEWS.includes(name) ? name : "overview";
  return view === "image" && !imageId ? { view: "pool", imageId: null, params } : { view, imageId, params };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a hash typed by hand, with a lone %
  }
}

/** The hash of a view. `values` are the parameters that are neither null nor empty. */
export function routeHash(view, values = {}, imageId = null) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") params.set(name, value);
  }
  const search = params.size ? `?${params}` : "";
  const path = view === "overview" ? "" : view;
  return `#/${path}${imageId === null ? "" : `/${encodeURIComponent(imageId)}`}${search}`;
}

/** The iteration that an address asks for; null for the newest. */
export function chosenIteration(params) {
  const text = params.get("iteration") ?? "";
  return /^\d+$/.test(text) ? Number(text) : null;
}

/** How the pool is sorted and searched, from an address. */
export function poolOrder(params) {
  return {
    sort: params.get("sort") ?? "score",
    order: params.get("order") ?? "desc",
    search: params.get("search") ?? "",
  };
}

/** The parameters that an address carries beside the defaults. */
export function orderValues({ sort, order, search }) {
  return { sort: sort === "score" ? null : sort, order: order === "desc" ? null : order, search };
}
