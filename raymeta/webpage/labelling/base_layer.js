// What lies below selection and lines, kept as it is on the screen: painted anew where it has changed, or where the view has.

const BESIDE = 4; // screen pixels by which lines reach over the pixels that they part

export class BaseLayer {
  /** paint(context, view): draws everything; place(rect, view): a rectangle of the raster on the screen, [left, top, right, bottom]. */
  constructor(paint, place) {
    Object.assign(this, { paint, place, canvas: document.createElement("canvas"), key: null, stale: [] });
  }

  /** These pixels of the raster differ from now on; all of them without a rectangle. */
  touch(rect = null) {
    if (rect) this.stale.push(rect);
    else this.key = null;
  }

  /** Lay it over a context; key: of all that it depends on beside touched pixels and the view. */
  draw(context, view, key) {
    const { width, height } = context.canvas;
    const transform = context.getTransform();
    const now = [width, height, transform.a, view.scale, view.x, view.y, key].join();
    const layer = this.canvas.getContext("2d");
    if (now !== this.key) {
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      this.repaint(layer, transform, view, [0, 0, width, height]);
    } else {
      for (const rect of this.stale) this.repaint(layer, transform, view, this.around(rect, view, transform.a));
    }
    Object.assign(this, { key: now, stale: [] });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.canvas, 0, 0);
    context.setTransform(transform);
  }

  /** The pixels of the canvas that show a rectangle of the raster, whole ones, so that nothing shines through at their edges. */
  around(rect, view, ratio) {
    const [left, top, right, bottom] = this.place(rect, view);
    const [x, y] = [Math.max(0, Math.floor((left - BESIDE) * ratio)), Math.max(0, Math.floor((top - BESIDE) * ratio))];
    const end = (to, size) => Math.min(size, Math.ceil((to + BESIDE) * ratio));
    return [x, y, Math.max(0, end(right, this.canvas.width) - x), Math.max(0, end(bottom, this.canvas.height) - y)];
  }

  repaint(layer, transform, view, area) {
    if (!area[2] || !area[3]) return;
    layer.save();
    layer.setTransform(1, 0, 0, 1, 0, 0);
    layer.beginPath();
    layer.rect(...area);
    layer.clip();
    layer.clearRect(...area);
    layer.setTransform(transform);
    this.paint(layer, view);
    layer.restore();
  }
}
