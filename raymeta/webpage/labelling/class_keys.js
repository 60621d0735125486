// The classes that can be chosen, with their keys as the service gives them.

/** [{value, name, colour, key}] of the run's classes, then void; key null where there are too many classes. */
export function keyedClasses(classes, voidEntry) {
  const entries = classes.map(({ id, name, color, key }) => ({ value: id, name, colour: color, key }));
  if (voidEntry) entries.push({ value: voidEntry.value, name: voidEntry.name, colour: "#000000", key: voidEntry.key });
  return entries;
}
