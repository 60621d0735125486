// The partition in colours, as a canvas that is laid over the picture; only what has changed is painted anew.
import { UNCOVERED, VOID } from "./partition.js";

const STRONG = 150; // of 255: what somebody has drawn
const PALE = 72; // what only the network has said
const EDGE = 0xb4000000;
const TEXTURE_ALPHA = 226;
const NO_PART = 0x1ff;
const TOUCHED = 0x100;

/** 8×8 tiles of 0 and 1 that tell classes apart without colour; the first is plain. */
const TEXTURES = [
  () => false, (x, y) => (x + y) % 6 === 0, (x, y) => (x - y + 60) % 6 === 0, (x, y) => x % 4 === 1 && y % 4 === 1,
  (x, y) => y % 5 === 0, (x, y) => x % 5 === 0, (x, y) => (x + y) % 6 === 0 || (x - y + 60) % 6 === 0, (x, y) => (x >> 2) % 2 === (y >> 2) % 2,
];

function packed(hex, alpha) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

export class Overlay {
  /** colours: "#rrggbb" by class id. */
  constructor(width, height, colours) {
    Object.assign(this, { width, height, textured: false });
    this.canvas = canvasOf(width, height);
    this.edges = canvasOf(width, height);
    this.layers = [this.canvas, this.edges].map((canvas) => {
      const context = canvas.getContext("2d");
      const picture = context.createImageData(width, height);
      return { context, picture, pixels: new Uint32Array(picture.data.buffer) };
    });
    this.plain = new Uint32Array(512);
    this.marked = new Uint32Array(512); // where a texture has its lines
    for (const [value, hex] of Object.entries({ ...colours, [VOID]: "#000000" })) {
      for (const [touched, alpha] of [[0, PALE], [256, STRONG]]) {
        this.plain[Number(value) + touched] = packed(hex, alpha);
        this.marked[Number(value) + touched] = packed(hex, TEXTURE_ALPHA);
      }
    }
  }

  /** Paint a rectangle anew; all of it without one. */
  update(partition, rect = null) {
    const { width, height } = this;
    const left = Math.max(0, (rect?.left ?? 0) - 1);
    const top = Math.max(0, (rect?.top ?? 0) - 1);
    const right = Math.min(width, rect ? rect.left + rect.width + 1 : width);
    const bottom = Math.min(height, rect ? rect.top + rect.height + 1 : height);
    for (let row = top; row < bottom; row += 1) this.paintRow(partition.cells, row, left, right);
    for (const { context, picture } of this.layers) context.putImageData(picture, 0, 0, left, top, right - left, bottom - top);
  }

  paintRow(cells, row, left, right) {
    const { width, plain, textured } = this;
    const [fills, edges] = this.layers.map(({ pixels }) => pixels);
    const start = row * width;
    const above = row > 0 ? width : 0; // the first row has none: it is compared with itself
    for (let at = start + left, before = left > 0 ? cells[at - 1] : cells[at]; at < start + right; at += 1) {
      const cell = cells[at];
      fills[at] = textured || (cell & 0xff) === VOID ? this.colour(cell & NO_PART, at - start, row) : plain[cell & NO_PART];
      edges[at] = ((before ^ cell) | (cells[at - above] ^ cell)) & ~TOUCHED ? EDGE : 0;
      before = cell;
    }
  }

  colour(cell, x, y) {
    const value = cell & 0xff;
    if (value === UNCOVERED) return 0;
    if (value === VOID && (x + y) % 4 === 0) return 0xc0ffffff; // hatched in any case: it is no class
    return this.textured && TEXTURES[value % TEXTURES.length](x % 60, y % 60) ? this.marked[cell] : this.plain[cell];
  }
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

/** A small picture of a class's texture, for the legend. */
export function textureTile(value, colour, side = 22) {
  const canvas = canvasOf(side, side);
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, side, side);
  context.fillStyle = "rgb(255 255 255 / 65%)";
  const holds = value === VOID ? (x, y) => (x + y) % 4 === 0 : TEXTURES[value % TEXTURES.length];
  for (let y = 0; y < side / 2; y += 1) for (let x = 0; x < side / 2; x += 1) if (holds(x, y)) context.fillRect(2 * x, 2 * y, 2, 2);
  return canvas;
}
