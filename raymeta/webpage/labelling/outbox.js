// Answers on their way to the service: kept in this browser until it has them, sent again where it was away.
import { Draft } from "./drafts.js";
import { keep, readKept } from "./kept_values.js";

const FIRST_WAIT = 2000; // milliseconds
const LONGEST_WAIT = 30_000;

/** Events: "sent" ({entry, answer}), "refused" ({entry, error}), "change" (how many wait, and why). */
export class Outbox extends EventTarget {
  constructor(service) {
    super();
    Object.assign(this, { service, name: `raymeta-outbox ${service.run}`, wait: FIRST_WAIT, error: null, busy: null });
    this.entries = readKept(this.name) ?? [];
    this.online = () => this.flush();
    window.addEventListener("online", this.online);
  }

  get waiting() {
    return this.entries.length;
  }

  /** entry: {taskId, path, method, body}; sent as soon as it can be, even after a reload of the page. */
  add(entry) {
    this.entries.push(entry);
    this.store();
    return this.flush();
  }

  /** done: the entry that the service has. What another tab, or the view before, keeps there stays. */
  store(done = null) {
    const known = new Set([done, ...this.entries].map((entry) => entry?.path));
    const entries = [...(readKept(this.name) ?? []).filter(({ path }) => !known.has(path)), ...this.entries];
    this.kept = keep(this.name, entries.length ? entries : null);
    this.dispatchEvent(new Event("change"));
  }

  /** Send what waits, one after the other, until the service doesn't answer. */
  flush() {
    clearTimeout(this.timer);
    this.busy ??= this.sendAll().finally(() => (this.busy = null));
    return this.busy;
  }

  async sendAll() {
    while (this.entries.length) {
      const entry = this.entries[0];
      try {
        const answer = await this.service.json(entry.path, {
          method: entry.method, body: JSON.stringify(entry.body), headers: { "Content-Type": "application/json" },
        });
        this.done(entry, "sent", { answer });
      } catch (error) {
        // 412: another run is served here now; it stays until its own is.
        if ([0, 401, 412].includes(error.status) || error.status >= 500) return this.later(error);
        this.done(entry, "refused", { error });
      }
    }
    return undefined;
  }

  done(entry, event, values) {
    this.entries = this.entries.filter((other) => other !== entry);
    Object.assign(this, { error: null, wait: FIRST_WAIT });
    if (event === "sent") new Draft(this.service, entry.taskId).drop();
    this.store(entry);
    this.dispatchEvent(Object.assign(new Event(event), { entry, ...values }));
  }

  later(error) {
    this.error = error;
    if (!this.closed) this.timer = setTimeout(() => this.flush(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    this.dispatchEvent(new Event("change"));
  }

  /** Nothing is tried again from now on; what is on its way goes on. */
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    window.removeEventListener("online", this.online);
  }
}
