// The pool in one order, page by page: only what is looked at is asked for.
import { isAbort } from "./service.js";

export const PAGE = 60;

/** Events: "change" (a page arrived), "failure" (its `error`). */
export class PoolPages extends EventTarget {
  /** order: {sort, order, search}. */
  constructor(service, order, iteration) {
    super();
    this.service = service;
    this.query = { ...order, iteration, limit: PAGE };
    this.total = null;
    this.pages = new Map(); // page number → images
    this.pending = new Map(); // page number → {controller, promise, wanted: somebody waits for it}
  }

  /** The image at a place of the order, if it is here. */
  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Fetch what first..last lack, and give up pages outside that are still on their way. */
  need(first, last) {
    const from = Math.floor(first / PAGE);
    const to = Math.floor(last / PAGE);
    for (const [page, { controller, wanted }] of this.pending) {
      if (wanted || (page >= from && page <= to)) continue;
      controller.abort();
      this.pending.delete(page);
    }
    for (let page = from; page <= to; page += 1) this.load(page).catch((error) => this.report(error));
  }

  /** The image at a place of the order, fetched; null beyond the ends. */
  async ready(index) {
    if (index < 0) return null;
    return (await this.load(Math.floor(index / PAGE), true))[index % PAGE] ?? null;
  }

  /** The place of an image in the order, or -1; looks through page after page. */
  async find(imageId) {
    for (let page = 0; page === 0 || page * PAGE < this.total; page += 1) {
      const at = (await this.load(page, true)).findIndex((row) => row.image_id === imageId);
      if (at >= 0) return page * PAGE + at;
    }
    return -1;
  }

  load(page, wanted = false) {
    if (this.pages.has(page)) return Promise.resolve(this.pages.get(page));
    if (!this.pending.has(page)) {
      const controller = new AbortController();
      const promise = this.fetch(page, controller.signal).finally(() => {
        if (this.pending.get(page)?.controller === controller) this.pending.delete(page);
      });
      this.pending.set(page, { controller, promise, wanted: false });
    }
    const entry = this.pending.get(page);
    entry.wanted ||= wanted;
    return entry.promise;
  }

  async fetch(page, signal) {
    const answer = await this.service.json("v1/pool", { signal, query: { ...this.query, offset: page * PAGE } });
    this.total = answer.total;
    this.pages.set(page, answer.images);
    this.dispatchEvent(new Event("change"));
    return answer.images;
  }

  report(error) {
    if (isAbort(error)) return;
    this.dispatchEvent(Object.assign(new Event("failure"), { error }));
  }

  close() {
    for (const { controller } of this.pending.values()) controller.abort();
  }
}
