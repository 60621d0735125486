// Everything that the editor needs of one task, fetched at once, so that the next box is there before it is wanted.
import { decodeGrey, decodePng } from "./raster_coding.js";
import { UNCOVERED } from "./partition.js";

const NOTHING_PREDICTED = { raster_png: null }; // a segment is its own question

/** {detail, place, bitmap, rgba(), predicted, around, answer, mask}. signal: to give it up. */
export async function loadBundle(service, detail, signal) {
  const path = `v1/tasks/${detail.id}`;
  const answerId = detail.start?.from === "answer" ? detail.start.answer_id : null;
  const [bitmap, prelabels, around, answer] = await Promise.all([
    service.blob(`${path}/picture`, { signal }).then((blob) => createImageBitmap(blob)),
    detail.segment ? NOTHING_PREDICTED : service.json(`${path}/prelabels`, { signal }),
    detail.point || detail.segment ? null : service.json(`${path}/surroundings`, { signal }),
    answerId ? service.json(`${path}/answers/${answerId}`, { signal }) : null,
  ]);
  const { region, scale, picture } = detail;
  return {
    detail, bitmap, place: { region, scale, picture },
    predicted: await predictedOf(prelabels),
    around: around && { ...(await decodeGrey(around.raster_png)), left: around.left, top: around.top },
    answered: answer && !answer.undecidable ? (await decodeGrey(answer.raster_png)).values : null,
    answer,
    mask: detail.segment && (await decodeGrey(detail.segment.mask_png)).values,
  };
}

/** {raster: numbers of segments, segments, values: class ids}; null where nothing was predicted. */
async function predictedOf({ raster_png: png, segments, source }) {
  if (!png) return null;
  const { width, height, data } = await decodePng(png);
  const raster = new Int32Array(width * height);
  const classes = new Map(segments.map(({ id, class_id: classId }) => [id, classId]));
  const values = new Uint8Array(width * height);
  for (let at = 0, byte = 0; at < raster.length; at += 1, byte += 4) {
    raster[at] = data[byte] | (data[byte + 1] << 8) | (data[byte + 2] << 16);
    values[at] = classes.get(raster[at]) ?? UNCOVERED;
  }
  return { raster, segments, values, source };
}

/** (height · width · 4) of the picture's part that is the region, in pixels of the raster. */
export function regionPixels({ bitmap, place: { region, scale, picture } }) {
  const canvas = new OffscreenCanvas(region.width, region.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(
    bitmap, region.left / scale - picture.left, region.top / scale - picture.top, region.width / scale, region.height / scale, 0, 0, region.width, region.height);
  return context.getImageData(0, 0, region.width, region.height).data;
}
