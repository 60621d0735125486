// Work that nobody waits for: done when the browser has nothing else to do, so that no key or click waits for it.

const LATEST = 500; // milliseconds

/** Call a function once the browser is idle, or soon where it can't tell. */
export function whenIdle(work) {
  if (window.requestIdleCallback) window.requestIdleCallback(work, { timeout: LATEST });
  else work();
}
