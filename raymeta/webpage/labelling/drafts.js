// Drafts of an answer: in this browser at every change, at the service every ten seconds.
import { isAbort } from "../service.js";
import { whenIdle } from "./idle.js";
import { keep, readKept } from "./kept_values.js";
import { decodeRuns, encodeRuns } from "./raster_coding.js";

const SOON = 300; // milliseconds
const SERVER = 10_000;

/** The draft of one task. said(error): where the service can't keep it. */
export class Draft {
  constructor(service, taskId) {
    Object.assign(this, { service, taskId, name: `raymeta-draft ${service.run} ${taskId}`, abort: new AbortController() });
  }

  /** {cells, effort, time} of the newest draft, of this browser or of the service; null without one that fits. */
  read(fromServer, pixels) {
    const drafts = [readKept(this.name), fromServer].filter((draft) => draft?.version === 1);
    drafts.sort((one, other) => (other.time ?? 0) - (one.time ?? 0));
    for (const { runs, effort, time, value } of drafts) {
      const cells = decodeRuns(runs, pixels);
      if (cells) return { cells, effort, time, value };
    }
    return null;
  }

  /** The editor has changed. */
  changed(editor) {
    this.editor = editor;
    this.soon ??= setTimeout(() => whenIdle(() => this.soon !== undefined && this.save()), SOON);
    this.later ??= setTimeout(() => this.send(), SERVER);
  }

  /** Keep it in this browser now. */
  save() {
    clearTimeout(this.soon);
    this.soon = undefined;
    if (this.editor) keep(this.name, this.record());
  }

  record() {
    const { partition, effort, value } = this.editor;
    return { version: 1, time: Date.now(), runs: encodeRuns(partition.cells), effort: effort.toRecord(), value };
  }

  /** Let the service keep it, for another browser of the same person. */
  async send() {
    clearTimeout(this.later);
    this.later = undefined;
    if (!this.editor) return;
    const body = JSON.stringify({ draft: this.record() });
    try {
      await this.service.request(`v1/tasks/${this.taskId}/draft`, { method: "PUT", body, headers: { "Content-Type": "application/json" }, signal: this.abort.signal, wait: false });
    } catch (error) {
      // This browser has it: the service gets the next one.
      if (!isAbort(error) && error.status !== 0) console.info(`draft of ${this.taskId}: ${error.message}`);
    }
  }

  /** Stop keeping; what is kept stays. */
  close() {
    if (this.soon !== undefined) this.save();
    clearTimeout(this.later);
    this.later = undefined;
  }

  /** The answer was given: the draft stays here until the service has that, which must not get the draft after it. */
  finish() {
    this.save();
    this.close();
    this.abort.abort();
    this.editor = null;
  }

  /** The service has the answer, or none is given. */
  drop() {
    this.editor = null;
    this.finish();
    keep(this.name, null);
  }
}
