// Numbers as people read them; "–" where there is none.

const NONE = "–";
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A share in 0..1 as percent: 0.1849 → "18.5 %". */
export function percent(share, digits = 1) {
  return share === null || share === undefined ? NONE : `${(share * 100).toFixed(digits)} %`;
}

/** A cost that is in percent already: 33.24 → "33.2 %". */
export function cost(value, digits = 1) {
  return value === null || value === undefined ? NONE : `${value.toFixed(digits)} %`;
}

/** 1080 → "1,080". */
export function count(value) {
  return value === null || value === undefined ? NONE : grouped.format(value);
}

/** Fixed digits: 0.7824 → "0.78". */
export function fixed(value, digits = 2) {
  return value === null || value === undefined ? NONE : value.toFixed(digits);
}

/** A score of any size in a few digits: 1,234; 170.4; 9.257. */
export function score(value, digits = 4) {
  if (value === null || value === undefined) return NONE;
  const whole = Math.max(1, Math.floor(Math.log10(Math.abs(value) || 1)) + 1);
  return whole >= digits ? grouped.format(value) : value.toFixed(digits - whole);
}

/** 95 → "1 min 35 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds - 60 * minutes)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** What a query asks for, one and several of them; unit: "box", "point", "segment" or "superpixel". */
export function unitNames(unit) {
  return unit === "box" ? ["box", "boxes"] : [unit, `${unit}s`];
}

/** 1 → "1 box", 3 → "3 boxes". */
export function quantity(value, one, many) {
  return `${count(value)} ${value === 1 ? one : many}`;
}
