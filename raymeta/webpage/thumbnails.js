// Small pictures for the grid: a few at a time, given up when they scroll away, kept for coming back.
import { isAbort } from "./service.js";

const AT_ONCE = 6; // a browser opens no more connections to one HTTP/1.1 host
const KEPT = 400;
const PATIENCE = 90; // milliseconds that a picture must stay in view before it is asked for

export class Thumbnails {
  constructor(service) {
    this.service = service;
    this.kept = new Map(); // key → blob URL, the longest unused first
    this.waiting = [];
    this.running = 0;
  }

  /** Put a picture into an <img>; the returned function takes it back. done(error or null) is told how it ended. */
  show(image, imageId, side, done) {
    const key = `${side} ${imageId}`;
    const url = this.kept.get(key);
    if (url) {
      this.kept.delete(key);
      this.kept.set(key, url);
      image.src = url;
      done(null);
      return () => {};
    }
    const controller = new AbortController();
    const job = { key, image, imageId, side, done, controller };
    const timer = setTimeout(() => {
      this.waiting.push(job);
      this.next();
    }, PATIENCE);
    return () => {
      clearTimeout(timer);
      this.waiting = this.waiting.filter((other) => other !== job);
      controller.abort();
    };
  }

  next() {
    while (this.running < AT_ONCE && this.waiting.length) {
      this.running += 1;
      this.run(this.waiting.shift()).finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }

  async run({ key, image, imageId, side, done, controller }) {
    try {
      const path = `v1/pool/${encodeURIComponent(imageId)}/image`;
      const blob = await this.service.blob(path, { query: { max_side: side }, signal: controller.signal });
      image.src = this.keep(key, URL.createObjectURL(blob));
      done(null);
    } catch (error) {
      if (!isAbort(error)) done(error);
    }
  }

  keep(key, url) {
    this.kept.set(key, url);
    if (this.kept.size > KEPT) {
      const [oldest, gone] = this.kept.entries().next().value;
      this.kept.delete(oldest);
      URL.revokeObjectURL(gone);
    }
    return url;
  }
}
