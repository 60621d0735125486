// Photographs of phones lie on their side and say so in EXIF; the network is to see them as people do.

const JPEG = 0xffd8;
const EXIF_SEGMENT = 0xffe1;
const PIXELS = 0xffda; // start of the compressed pixels: no more headers
const ORIENTATION = 0x0112;
const HEADERS = 128 * 1024; // bytes in which EXIF is looked for

/** EXIF orientation 1 to 8 of a JPEG's first bytes; 1 for anything else. */
export function orientation(buffer) {
  const view = new DataView(buffer);
  if (view.byteLength < 4 || view.getUint16(0) !== JPEG) return 1;
  let at = 2;
  while (at + 4 <= view.byteLength) {
    const marker = view.getUint16(at);
    if (marker === PIXELS || marker < 0xff00) return 1;
    if (marker === EXIF_SEGMENT && at + 20 <= view.byteLength && view.getUint32(at + 4) === 0x45786966) return entry(view, at + 10);
    at += 2 + view.getUint16(at + 2);
  }
  return 1;
}

/** The orientation entry of the TIFF header at `start`. */
function entry(view, start) {
  const little = view.getUint16(start) === 0x4949;
  const first = start + view.getUint32(start + 4, little);
  if (first + 2 > view.byteLength) return 1;
  const count = view.getUint16(first, little);
  for (let index = 0; index < count; index += 1) {
    const at = first + 2 + 12 * index;
    if (at + 10 > view.byteLength) return 1;
    if (view.getUint16(at, little) === ORIENTATION) return view.getUint16(at + 8, little);
  }
  return 1;
}

/** The file itself, or its upright copy as PNG where it lies on its side. */
export async function uprightPicture(file) {
  if (orientation(await file.slice(0, HEADERS).arrayBuffer()) === 1) return file;
  const bitmap = await createImageBitmap(file); // turned by the browser
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new File([blob], file.name, { type: "image/png" });
}
