// The key of each class: digits, then letters that no tool uses.

const KEYS = [..."1234567890", ..."qwrtioadgjcnm"];

/** [{value, name, colour, key}] of the run's classes, then void; key null where there are too many. */
export function keyedClasses(classes, voidEntry) {
  const entries = classes.map(({ id, name, colour }, index) => ({ value: id, name, colour, key: KEYS[index] ?? null }));
  if (voidEntry) entries.push({ value: voidEntry.value, name: voidEntry.name, colour: "#000000", key: "v" });
  return entries;
}
