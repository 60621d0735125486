// What an answer has cost: clicks by kind, and the seconds in which somebody worked at it.

const LONGEST_GAP = 30_000; // milliseconds; who does nothing for longer has looked away

/** Clicks by kind, and active seconds: gaps between actions up to half a minute, while the page is seen. */
export class Effort {
  constructor({ clicks = {}, seconds = 0, firstAction = null } = {}) {
    this.clicks = { ...clicks };
    this.milliseconds = seconds * 1000;
    this.firstAction = firstAction; // seconds from the box on screen to the first action
    this.shown = null;
    this.last = null;
  }

  /** The box is on screen from now on. */
  show(now) {
    this.shown = now;
    this.last = now;
  }

  /** Somebody moved, clicked or typed. */
  act(now) {
    if (this.last !== null) this.milliseconds += Math.min(now - this.last, LONGEST_GAP);
    this.last = now;
  }

  /** The page is hidden: what follows doesn't count. */
  pause(now) {
    this.act(now);
    this.last = null;
  }

  add(kind, now, number = 1) {
    this.firstAction ??= this.shown === null ? null : (now - this.shown) / 1000;
    this.clicks[kind] = (this.clicks[kind] ?? 0) + number;
    this.act(now);
  }

  get seconds() {
    return Math.round(this.milliseconds) / 1000;
  }

  get total() {
    return Object.values(this.clicks).reduce((sum, count) => sum + count, 0);
  }

  toRecord() {
    return { clicks: { ...this.clicks }, seconds: this.seconds, firstAction: this.firstAction };
  }
}
