// The partition in colours, as a canvas that is laid over the picture; only what has changed is painted anew.
import { UNCOVERED, VOID } from "./partition.js";

const STRONG = 150; // of 255: what somebody has drawn
const PALE = 72; // what only the network has said
const EDGE = 0xb4000000;
const TEXTURE_ALPHA = 226;
const NO_PART = 0x1ff;

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
    const area = [left, top, right - left, bottom - top];
    const [fill, edge] = [this.canvas, this.edges].map((canvas) => canvas.getContext("2d").createImageData(area[2], area[3]));
    const [fills, edges] = [new Uint32Array(fill.data.buffer), new Uint32Array(edge.data.buffer)];
    const { cells } = partition;
    for (let row = top, at = 0; row < bottom; row += 1) {
      for (let column = left, from = row * width + left; column < right; column += 1, from += 1, at += 1) {
        const cell = cells[from];
        fills[at] = this.textured || (cell & 0xff) === VOID ? this.colour(cell & NO_PART, column, row) : this.plain[cell & NO_PART];
        const differs = (column > 0 && (cells[from - 1] ^ cell) & ~0x100) || (row > 0 && (cells[from - width] ^ cell) & ~0x100);
        if (differs) edges[at] = EDGE;
      }
    }
    this.canvas.getContext("2d").putImageData(fill, left, top);
    this.edges.getContext("2d").putImageData(edge, left, top);
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
