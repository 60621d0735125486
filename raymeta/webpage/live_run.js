// The run as it goes on: /v1/iterations polled by ETag, and the model of the newest iteration.

const INTERVAL = 4000; // milliseconds
const LONGEST = 30000;

/** Events: "change" (progress or model differ), "offline", "online". */
export class LiveRun extends EventTarget {
  constructor(service) {
    super();
    this.service = service;
    this.progress = null; // answer of /v1/iterations
    this.model = null; // answer of /v1/model; null while no iteration is finished
    this.online = true;
    this.etag = null;
    this.served = null; // iteration that the last answer came from
    this.wait = INTERVAL;
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** The newest iteration that the service answers with; null while there is none. */
  get newest() {
    return this.model?.iteration ?? null;
  }

  /** The first answer; raises where there is none. */
  async start() {
    await this.look();
    this.plan();
  }

  /** Look at once, unless that goes on already or nothing was answered yet. */
  wake() {
    if (document.hidden || !this.timer) return;
    clearTimeout(this.timer);
    this.poll();
  }

  plan() {
    this.timer = setTimeout(() => this.poll(), this.wait);
  }

  async poll() {
    this.timer = null; // until the next one is planned: one look at a time
    if (!document.hidden) {
      try {
        const changed = await this.look();
        this.wait = INTERVAL;
        this.setOnline(true);
        if (changed) this.dispatchEvent(new Event("change"));
      } catch (error) {
        this.wait = Math.min(2 * this.wait, LONGEST);
        this.setOnline(error.status !== 0);
      }
    }
    this.plan();
  }

  /** True where something is new. */
  async look() {
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    let changed = false;
    const response = await this.service.request("v1/iterations", { headers, cache: "no-store", wait: false });
    if (response.status !== 304) {
      const served = response.headers.get("X-Raymeta-Iteration");
      // Without it nothing can be served yet: a run that has just begun, or a process behind the one that answered before.
      if (served === null && this.model !== null) return false;
      this.progress = await response.json();
      this.served = served === null ? null : Number(served);
      changed = true;
    }
    const seen = () => {
      if (response.status !== 304) this.etag = response.headers.get("ETag");
      return changed;
    };
    if (this.served === null) return seen();
    // Another HTTP process of the service may answer a moment behind the first: ask on until they agree.
    if (changed || this.newest !== this.served) changed = (await this.askModel()) || changed;
    return seen(); // not before the model is there, too: else its change would be missed where it fails
  }

  async askModel() {
    const before = this.newest;
    this.model = await this.service.json("v1/model");
    return this.newest !== before;
  }

  setOnline(online) {
    if (online === this.online) return;
    this.online = online;
    this.dispatchEvent(new Event(online ? "online" : "offline"));
  }
}
