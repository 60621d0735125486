// The tasks that this person holds: leased, kept, preloaded, given back.
import { isAbort } from "../service.js";
import { loadBundle } from "./task_bundle.js";

const HELD = 4; // the one on screen and those that follow
const HELD_POINTS = 8; // each takes a second
const LOOK_AGAIN = 3000; // milliseconds between two looks for what the run asks for next
const JSON_HEADERS = { "Content-Type": "application/json" };

/** Events: "lost" ({lost: [{id, reason}]}), "trouble" ({error}), "well": renewing works again. */
export class TaskQueue extends EventTarget {
  /** filter: {set, imageTasks: ids that come first}. */
  constructor(service, me, filter = {}) {
    super();
    Object.assign(this, { service, me, filter, details: [], bundles: new Map(), gone: new Set(), heard: 0, left: null, reason: null });
    this.timer = setInterval(() => this.renew(), me.renew_seconds * 1000);
  }

  post(path, body, options = {}) {
    return this.service.json(path, { method: "POST", body: JSON.stringify(body), headers: JSON_HEADERS, ...options });
  }

  /** One task of this id, whoever waits in line; also one that was answered already. */
  async take(taskId) {
    this.goesOn();
    this.gone.delete(taskId);
    const { tasks } = await this.post("v1/tasks/lease", { count: 1, set: null, task: taskId });
    this.goesOn();
    const [detail] = tasks;
    this.details = [detail, ...this.details.filter(({ id }) => id !== detail.id)];
    this.bundles.delete(detail.id);
    return detail;
  }

  /** The first open task of an image that nobody else holds, or null. */
  async takeOfImage(imageId) {
    if (!imageId) return null;
    const { tasks } = await this.service.json("v1/tasks", { query: { image_id: imageId, limit: 100 } });
    const free = tasks.find(({ state, lease }) => ["proposed", "handed_out"].includes(state) && (!lease || lease.yours));
    return free ? this.take(free.id) : null;
  }

  /** Hold a few tasks, as many as there are. */
  async fill() {
    this.filling ??= this.lease().finally(() => (this.filling = null));
    await this.filling;
  }

  /** Hold what follows while something is on screen: nothing waits for it, and trouble is only told. */
  ahead() {
    if (this.details.length < HELD) this.fill().catch((error) => isAbort(error) || this.tell("trouble", { error }));
  }

  /** Nothing is asked for a view that was left: an AbortError. */
  goesOn() {
    if (this.closed) throw new DOMException("the view was left", "AbortError");
  }

  async lease() {
    this.goesOn();
    const answered = new Set(this.gone); // those among them that the service hears of meanwhile are in its list still
    const { heard } = this;
    const { tasks, open, reason } = await this.post("v1/tasks/lease", { count: Math.min(this.held + this.gone.size, this.me.max_leased), set: this.filter.set ?? null, task: null });
    const known = new Set(this.details.map(({ id }) => id));
    this.details.push(...tasks.filter(({ id }) => !known.has(id) && !answered.has(id) && !this.gone.has(id)));
    this.goesOn(); // else `close` gives them back
    Object.assign(this, { left: open, reason });
    for (const { id } of this.details.slice(0, this.held)) this.bundle(id).catch(() => {});
    if (!this.details.length && heard !== this.heard) await this.lease(); // why nothing is left may be another reason since
  }

  get held() {
    return this.details.some(({ point }) => point) ? HELD_POINTS : HELD;
  }

  /** The next task to show, or null where none is left. */
  async next() {
    if (!this.details.length) await this.fill();
    else this.ahead();
    return this.details[0] ?? null;
  }

  /** Nothing is left: look again in a while. seen: gets the task that is there then, or null. */
  watch(seen) {
    clearTimeout(this.looking);
    this.looking = setTimeout(async () => {
      const detail = await this.next().catch(() => null); // while the service is away
      if (!this.closed) seen(detail);
    }, LOOK_AGAIN);
  }

  /** What the editor needs of a task; fetched once. */
  bundle(taskId) {
    if (!this.bundles.has(taskId)) {
      const controller = new AbortController();
      const promise = loadBundle(this.service, this.details.find(({ id }) => id === taskId), controller.signal);
      promise.catch(() => this.bundles.delete(taskId)); // asked for again when it is wanted
      this.bundles.set(taskId, { promise, controller });
    }
    return this.bundles.get(taskId).promise;
  }

  /** A task is answered, skipped or lost: it isn't shown again, though the service may not know yet. */
  leave(taskId) {
    this.details = this.details.filter(({ id }) => id !== taskId);
    this.bundles.get(taskId)?.controller.abort();
    this.bundles.delete(taskId);
    this.gone.add(taskId);
  }

  /** The service knows that a task is answered. */
  settled(taskId) {
    this.gone.delete(taskId);
    this.heard++;
  }

  renew() {
    this.renewing = this.details.length ? this.renewAll(this.details) : null;
  }

  async renewAll(details) {
    const asked = new Set(details); // one that was taken again meanwhile is another object
    const ids = details.map(({ id }) => id);
    try {
      const { lost } = await this.post("v1/tasks/lease/renew", { tasks: ids });
      this.tell("well");
      const held = lost.filter(({ id }) => this.details.some((detail) => detail.id === id && asked.has(detail))); // not what was answered meanwhile
      if (held.length) this.tell("lost", { lost: held });
    } catch (error) {
      if (!isAbort(error)) this.tell("trouble", { error });
    }
  }

  tell(name, values = {}) {
    this.dispatchEvent(Object.assign(new Event(name), values));
  }

  /** Give back what wasn't begun, so that others get it, and wait for that; keepId: the task on screen, which stays. */
  async close(keepId = null) {
    this.closed = true;
    clearInterval(this.timer);
    clearTimeout(this.looking);
    for (const { controller } of this.bundles.values()) controller.abort();
    await Promise.allSettled([this.filling, this.renewing]); // what they lease is given back too
    const given = this.details.filter(({ id }) => id !== keepId);
    await Promise.allSettled(given.map(({ id }) => this.post(`v1/tasks/${id}/release`, {}, { wait: false }))); // else leases end by themselves
  }
}
