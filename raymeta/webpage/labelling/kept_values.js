// What this browser keeps: drafts of answers, and answers that the service has not got yet.

/** A value below a name in localStorage; null where there is none, or where storage is switched off. */
export function readKept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

/** Keep a value; null drops it. False where the browser can't keep it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
