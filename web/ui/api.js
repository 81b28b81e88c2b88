// api - requests to the platform, of the same origin, by the session's cookie.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const ACCEPT = "application/vnd.heroku+json; version=3";

async function messageOf(response) {
  try {
    const body = await response.json();
    if (body.message) return body.message;
  } catch {
    // no JSON: the status says what there is to say
  }
  return `The platform answered ${response.status} without saying why. Its log says more.`;
}

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, {credentials: "same-origin", cache: "no-store", ...options});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The platform does not answer. Is it running, and is the network up?");
  }
  if (response.ok) return response;
  const error = new ApiError(response.status, await messageOf(response));
  if (response.status === 401 && path !== "/session") dispatchEvent(new CustomEvent("session-over", {detail: error}));
  throw error;
}

// request("PATCH", ["apps", name, "formation"], {body, range, signal})
export async function request(method, segments, {body, range, signal} = {}) {
  const headers = {Accept: ACCEPT};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (range) headers.Range = range;
  const path = "/" + segments.map(encodeURIComponent).join("/");
  const response = await send(path, {method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body)});
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(response.status, "The platform's answer is not JSON. Reload the page; its version may have changed.");
  }
}

export const get = (segments, options) => request("GET", segments, options);

// Newest first, whichever way the server lists.
export function newestFirst(list, key) {
  return [...list].sort((a, b) => (a[key] < b[key] ? 1 : a[key] > b[key] ? -1 : 0));
}

// The platform names its streams by full addresses; here they are this origin's.
function ownPath(url) {
  const u = new URL(url, location.href);
  return u.pathname + u.search;
}

// Read a stream's text as it grows. Calls onText with each piece.
export async function readStream(url, onText, signal, accept = "text/plain", last = "") {
  const headers = {Accept: accept, ...(last ? {"Last-Event-ID": last} : {})};
  const response = await send(ownPath(url), {headers, signal});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    onText(value);
  }
}

// The same for text/event-stream: calls onData with what follows each "data:".
// onData gets each event's data and id; the time from which on the platform
// sends, where it says so, goes to onFrom. last says what came before.
export function readEvents(url, onData, signal, onFrom, last) {
  let rest = "";
  let id = "";
  return readStream(url, (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("id:")) id = line.slice(3).trim();
      else if (line.startsWith(": from ") && onFrom) onFrom(Number(line.slice(7)));
      else if (line.startsWith("data:")) onData(line.slice(5).replace(/^ /, ""), id);
    }
  }, signal, "text/event-stream", last);
}
