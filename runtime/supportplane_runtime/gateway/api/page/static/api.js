/**
 * Calls the gateway: adds who asks, turns problem documents (RFC 9457) into `Problem`, and reads event streams.
 *
 * Credentials are one of three: the page's session cookie, a key that a person pasted, a widget's publishable key.
 */

/** What went wrong, as the server or the network says it; `detail` is a sentence for people. */
export class Problem extends Error {
  constructor({ status = 0, code = "network", title = "No connection", detail, retryAfter = null }) {
    super(detail);
    Object.assign(this, { status, code, title, detail, retryAfter });
  }

  /** Whether the same request may go through a little later: the network, or a server or proxy that is away. */
  get passing() {
    return this.status === 0 || [408, 502, 503, 504].includes(this.status);
  }
}

const UNREACHABLE = "The server does not answer. It may be restarting, or you are offline.";

export function session() {
  return { headers: async () => ({}), fields: {}, parameters: {} };
}

/** userId: whom a secret key speaks for; a publishable or session caller is someone already. */
export function pastedKey(key, userId) {
  return { headers: async () => ({ Authorization: `Bearer ${key}` }), fields: { user_id: userId }, parameters: {} };
}

/** The key stands in the URL because a preflight carries no headers. memory: remembers the visitor in this browser. */
export function publishableKey(key, base, memory) {
  const parameters = { key };
  let pending = null;
  async function token() {
    const known = memory.read("visitor");
    if (known && Date.parse(known.expires_at) > Date.now() + 60_000) return known.visitor_token;
    pending ??= createApi({ base, credentials: { headers: async () => ({}), fields: {}, parameters } })
      .send("POST", "/api/v1/visitors")
      .finally(() => (pending = null));
    const made = await pending;
    memory.write("visitor", made);
    return made.visitor_token;
  }
  return {
    headers: async () => ({ "X-Visitor-Token": await token() }),
    fields: {},
    parameters,
    forget: () => memory.remove("visitor"),
  };
}

export function createApi({ base = "", credentials }) {
  function address(path) {
    const query = new URLSearchParams(credentials.parameters).toString();
    return base + path + (query && (path.includes("?") ? "&" : "?") + query);
  }

  /** The response, its status checked. Throws Problem, or AbortError when `signal` fires. */
  async function open(method, path, { body, headers = {}, signal } = {}) {
    const sent = { ...(await credentials.headers()), ...headers };
    if (body !== undefined) sent["Content-Type"] = "application/json";
    const response = await reach(() =>
      fetch(address(path), {
        method,
        headers: sent,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        cache: "no-store",
        credentials: base ? "omit" : "same-origin",
      }),
    );
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** The decoded JSON reply, null when there is none. */
  async function send(method, path, body) {
    const response = await open(method, path, { body });
    return response.status === 204 ? null : reach(() => response.json());
  }

  return { open, send, fields: credentials.fields, forget: credentials.forget ?? (() => {}) };
}

async function reach(call) {
  try {
    return await call();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ detail: UNREACHABLE });
  }
}

async function problemOf(response) {
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const fallback = `The server answered with status ${response.status}.`;
  let body = {};
  try {
    body = await response.json();
  } catch {
    // A proxy's HTML page: the status is all there is to say.
  }
  return new Problem({
    status: response.status,
    code: body.code ?? "http-error",
    title: body.title ?? "The request failed",
    detail: body.detail ?? fallback,
    retryAfter,
  });
}

/** Events of a text/event-stream body: {name, id, data}. Comments keep the stream alive and are not events. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reach(() => reader.read());
      if (done) return;
      buffer += value;
      const frames = buffer.split(/\r?\n\r?\n/);
      buffer = frames.pop();
      for (const frame of frames) yield parseFrame(frame);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** name null: a heartbeat or a retry hint. */
function parseFrame(frame) {
  const event = { name: null, id: null, data: null };
  const data = [];
  for (const line of frame.split(/\r?\n/)) {
    const [, field, value] = line.match(/^([^:]*)(?:: ?(.*))?$/s) ?? [];
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") data.push(value ?? "");
  }
  if (data.length) event.data = JSON.parse(data.join("\n"));
  return event;
}
