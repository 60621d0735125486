// The outlines that go with an answer, and what became of each predicted segment.
import { maskOf, maskRings } from "./crack_outlines.js";
import { UNCOVERED, VOID } from "./partition.js";

const MAX_PIXELS = 300_000; // larger ones go without: the raster is the answer, outlines are kept for the record

/**
 * Shapes of a partition in painting order: {label, rings, prelabel, mark, tool}; rings through toStored([x, y]).
 * predicted: {raster, segments: [{id, prelabel_id, class_id, size}]} or null. names: of the classes, by id.
 */
export function answerShapes(partition, predicted, names, toStored) {
  if (partition.cells.length > MAX_PIXELS) return [];
  const { ids, list } = partition.segments();
  const known = new Map((predicted?.segments ?? []).map((segment) => [segment.id, segment]));
  const painted = list.filter(({ key }) => (key & 0xff) !== UNCOVERED);
  return painted.map((found) => {
    const value = found.key & 0xff;
    const first = Math.floor(found.y) * partition.width + Math.floor(found.x);
    const base = predicted ? samePixels(found, ids, predicted.raster, known.get(predicted.raster[first]), partition.width) : null;
    const mark = !base ? "new" : base.class_id === value ? "unchanged" : "edited";
    return {
      label: value === VOID ? "void" : names[value], rings: maskRings(maskOf(found, ids, partition.width)).map((ring) => ring.map(toStored)),
      prelabel: base?.prelabel_id ?? null, mark, tool: mark === "unchanged" ? "segment" : null,
    };
  });
}

/** The predicted segment, if a component has exactly its pixels. */
function samePixels(found, ids, raster, segment, width) {
  if (!segment || segment.size !== found.pixels) return null;
  for (let row = found.top; row < found.bottom; row += 1) {
    for (let at = row * width + found.left; at < row * width + found.right; at += 1) {
      if (ids[at] === found.id && raster[at] !== segment.id) return null;
    }
  }
  return segment;
}
