// Rasters as texts: PNG for the service, runs for drafts.

/** Bytes of base64. */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function base64Of(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** {width, height, data: RGBA} of a PNG in base64, its colours as they are. */
export async function decodePng(base64) {
  const bitmap = await createImageBitmap(new Blob([bytesOf(base64)], { type: "image/png" }), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Grey values of a PNG in base64: {width, height, values}. */
export async function decodeGrey(base64) {
  const { width, height, data } = await decodePng(base64);
  const values = new Uint8Array(width * height);
  for (let at = 0; at < values.length; at += 1) values[at] = data[4 * at];
  return { width, height, values };
}

/** Values as a PNG in base64 whose red, green and blue they are. */
export async function encodeGrey(values, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let at = 0; at < values.length; at += 1) pixels[at] = 0xff000000 | (values[at] * 0x010101);
  context.putImageData(picture, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  return base64Of(new Uint8Array(await blob.arrayBuffer()));
}

/** Cells (16 bits each) as runs in base64: count and value, seven bits a byte. */
export function encodeRuns(cells) {
  let bytes = new Uint8Array(4096);
  let length = 0;
  const put = (number) => {
    if (length + 8 > bytes.length) bytes = grown(bytes);
    for (; number > 127; number = Math.floor(number / 128)) bytes[length++] = (number % 128) + 128;
    bytes[length++] = number;
  };
  for (let at = 0; at < cells.length;) {
    let end = at + 1;
    while (end < cells.length && cells[end] === cells[at]) end += 1;
    put(end - at);
    put(cells[at]);
    at = end;
  }
  return base64Of(bytes.subarray(0, length));
}

function grown(bytes) {
  const larger = new Uint8Array(2 * bytes.length);
  larger.set(bytes);
  return larger;
}

/** The cells of `encodeRuns`; null where they aren't `length` of them. */
export function decodeRuns(base64, length) {
  const bytes = bytesOf(base64);
  const cells = new Uint16Array(length);
  let at = 0;
  let place = 0;
  const get = () => {
    let number = 0;
    for (let factor = 1; place < bytes.length; factor *= 128) {
      const byte = bytes[place++];
      number += (byte % 128) * factor;
      if (byte < 128) break;
    }
    return number;
  };
  while (place < bytes.length) {
    const count = get();
    const cell = get();
    if (!count || at + count > length) return null;
    cells.fill(cell, at, at + count);
    at += count;
  }
  return at === length ? cells : null;
}
