// All talk with the HTTP service: address, token, errors, waiting where it is busy.

const TOKEN = "raymeta-token";
const RUN = "X-Raymeta-Run";
const OTHER_RUN = 412;
const RELOAD_AFTER = 5000; // milliseconds since the page was loaded: no page reloads itself faster than that
const BUSY_TRIES = 5;
const LONGEST_WAIT = 10; // seconds

/** What the service refused or could not do. status 0: it did not answer. */
export class ServiceError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "ServiceError";
    this.status = status;
  }
}

export class Service {
  /** askToken(refused) resolves to a token, or to null where the user gives none. */
  constructor(askToken) {
    this.askToken = askToken;
    this.asking = null;
    this.token = sessionStorage.getItem(TOKEN);
    this.run = null; // which run this page shows, by the first answer; what the browser keeps of it is kept below this
  }

  async json(path, options) {
    return (await this.request(path, options)).json();
  }

  async blob(path, options) {
    return (await this.request(path, options)).blob();
  }

  /**
   * The response to a request, of status 2xx (or 304 where `headers` ask conditionally).
   * options: query {name: value}, signal, method, body, headers, progress(share) for uploads; wait: false
   * raises at once where the service is busy.
   */
  async request(path, { query = {}, wait = true, ...options } = {}) {
    const url = address(path, query);
    for (let tries = 1; ; tries += 1) {
      const sent = this.token;
      const response = await transmit(url, { ...options, headers: this.headers(options.headers) });
      this.run ??= response.headers.get(RUN);
      if (response.ok || response.status === 304) return response;
      if (response.status === OTHER_RUN && performance.now() > RELOAD_AFTER) location.reload();
      if (response.status === 401) {
        await this.renewToken(sent);
      } else if (wait && response.status === 503 && response.headers.has("Retry-After") && tries < BUSY_TRIES) {
        const seconds = Math.min(Number(response.headers.get("Retry-After")) || 1, LONGEST_WAIT);
        await pause(seconds * (0.75 + Math.random() / 2), options.signal);
      } else {
        throw new ServiceError(response.status, await reason(response));
      }
    }
  }

  /** Ask for a token again at the next request. */
  forgetToken() {
    this.token = null;
    sessionStorage.removeItem(TOKEN);
  }

  headers(extra = {}) {
    const run = this.run && { [RUN]: this.run };
    return { ...extra, ...run, ...(this.token && { Authorization: `Bearer ${this.token}` }) };
  }

  /** Ask once for all requests that were refused with the same token. */
  async renewToken(refused) {
    if (this.token !== refused) return;
    this.asking ??= this.askToken(refused !== null).finally(() => (this.asking = null));
    const token = await this.asking;
    if (token === null) throw new ServiceError(401, "This service asks for a token. Reload the page to enter one.");
    this.token = token;
    sessionStorage.setItem(TOKEN, token);
  }
}

function address(path, query) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

async function transmit(url, { progress, ...options }) {
  try {
    return await (progress ? upload(url, options, progress) : fetch(url, options));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, "The service does not answer. Is raymeta serve still running?");
  }
}

/** fetch() tells nothing about how far an upload is; XMLHttpRequest does. */
function upload(url, { method, body, headers, signal }, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "blob";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("load", () => {
      const lines = request.getAllResponseHeaders().trim().split(/\r?\n/);
      const pairs = lines.map((line) => line.split(/:\s*(.*)/s).slice(0, 2));
      resolve(new Response(request.response, { status: request.status, headers: pairs }));
    });
    request.addEventListener("error", () => reject(new TypeError("network error")));
    request.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

/** The message of an error answer. */
async function reason(response) {
  let detail = null;
  try {
    ({ detail } = await response.clone().json());
  } catch {
    detail = (await response.text()).slice(0, 300);
  }
  return detail ? String(detail) : `The service answered with status ${response.status}.`;
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    });
  });
}

/** True for the error of a request that was given up on purpose. */
export function isAbort(error) {
  return error.name === "AbortError";
}
