// What is sent of an answer.
import { answerShapes } from "./answer_shapes.js";
import { encodeGrey } from "./raster_coding.js";
import { storedPoint } from "./region_painting.js";

const SOON = 30; // milliseconds in which the next box comes on screen before this one is packed

/** The body of an answer; names: of the classes, by value. */
export async function answerBody(editor, detail, predicted, names, undecidable) {
  const { clicks, seconds, firstAction } = editor.effort.toRecord();
  await new Promise((resolve) => setTimeout(resolve, SOON));
  const { partition } = editor;
  return {
    raster_png: undecidable ? null : await encodeGrey(partition.values(), editor.width, editor.height),
    shapes: undecidable ? [] : answerShapes(partition, predicted, names, (point) => storedPoint(point, detail)),
    undecidable, uncovered: "unknown", clicks, active_seconds: seconds, first_action_seconds: firstAction,
  };
}

/** A name that no other answer has. */
export function newAnswerId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Where the page isn't served over https, browsers have no randomUUID.
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join("-");
}
