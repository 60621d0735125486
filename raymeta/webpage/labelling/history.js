// What was done, in order: each stroke with the patch that it made, so that any number of them can be taken back.

const MAX_BYTES = 256 << 20; // of patches that are kept

/** A stroke: {kind, value, rings, patch}. */
export class History {
  constructor(partition) {
    this.partition = partition;
    this.strokes = [];
    this.undone = [];
    this.bytes = 0;
  }

  /** Keep a stroke whose patch is in place; what was taken back before is gone. */
  add(stroke) {
    this.strokes.push(stroke);
    this.undone = [];
    this.bytes += 4 * stroke.patch.after.length;
    while (this.bytes > MAX_BYTES && this.strokes.length > 1) this.bytes -= 4 * this.strokes.shift().patch.after.length;
  }

  /** The stroke that was taken back, or null. */
  undo() {
    const stroke = this.strokes.pop() ?? null;
    if (!stroke) return null;
    this.undone.push(stroke);
    this.partition.apply(stroke.patch, "before");
    return stroke;
  }

  /** The stroke that was done again, or null. */
  redo() {
    const stroke = this.undone.pop() ?? null;
    if (!stroke) return null;
    this.strokes.push(stroke);
    this.partition.apply(stroke.patch, "after");
    return stroke;
  }
}
