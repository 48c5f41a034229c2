/**
 * Follows one turn to its end, through broken connections: asks, and when the stream breaks comes back to the turn by
 * its id with the last event seen. A turn's id is made here, so asking again after a lost reply never asks twice.
 */

import { Problem, readEvents } from "./api.js";

// About a minute in all: longer than a restart of the gateway takes, shorter than a person waits.
const DELAYS_MS = [250, 500, 1000, 2000, 4000, 8000, 8000, 8000, 15000, 15000];
const FIRST_TRIES = 4; // about 4 s while nothing is known to be accepted: then the person decides
const MOST_WAITS = 3; // how often a question that came too early is sent again by itself
const LONGEST_WAIT_S = 90; // beyond it the person decides
const SILENCE_MS = 45_000; // three heartbeats of the server (15 s): the connection is dead although nobody said so

export function newTurn(query, conversationId) {
  return { turnId: randomId(), query, conversationId, lastEventId: null };
}

/** crypto.randomUUID is missing on pages served by plain http from another machine. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * The turn's events up to and including `final` or `error`. connection: told "lost", "open", and "early" with the seconds
 * until a question that the server limits is sent again. Throws Problem when the question is refused, or when the connection stays lost; AbortError by `signal`.
 */
export async function* followTurn(api, turn, { signal, connection }) {
  for (let failures = 0, waits = 0; ; ) {
    try {
      for await (const event of openEvents(api, turn, signal, () => connection("open"))) {
        failures = 0;
        if (event.id) turn.lastEventId = event.id;
        if (isBreak(event)) break;
        yield event;
        if (event.name === "final" || event.name === "error") return;
      }
    } catch (error) {
      if (waits < MOST_WAITS && isEarly(error)) {
        waits += 1;
        connection("early", error.retryAfter);
        await pause((error.retryAfter + Math.random()) * 1000, signal); // not all visitors of an address at once
        continue;
      }
      if (!canComeBack(error, turn)) throw error;
    }
    if (failures >= (turn.lastEventId ? DELAYS_MS.length : FIRST_TRIES)) throw lostProblem();
    connection("lost");
    await pause(DELAYS_MS[failures], signal);
    failures += 1;
  }
}

/** An error event without an id speaks of the stream, not of the turn: the turn goes on and can be asked for. */
function isBreak({ name, id, data }) {
  return (name === "error" && !id && data.status >= 500) || (name === "progress" && data.step === "reconnect");
}

/** Over a limit, which the server says will have room again soon. */
function isEarly(error) {
  return error instanceof Problem && error.status === 429 && error.retryAfter !== null && error.retryAfter <= LONGEST_WAIT_S;
}

/** A question that was refused with a reason is not asked again by itself; one that got no reply is. */
function canComeBack(error, turn) {
  if (!(error instanceof Problem) || !error.passing) return false;
  return turn.lastEventId !== null || error.status === 0;
}

async function* openEvents(api, turn, signal, opened) {
  const guard = new AbortController();
  const stop = () => guard.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, SILENCE_MS);
  try {
    const response = await request(api, turn, guard.signal);
    opened();
    if (response.status === 204) {
      yield await endOf(api, turn); // the stream has nothing more to say
      return;
    }
    for await (const event of readEvents(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      if (event.name) yield event;
    }
  } catch (error) {
    if (error.name === "AbortError" && !signal.aborted) throw lostProblem();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

function request(api, turn, signal) {
  if (turn.lastEventId) {
    const headers = { "Last-Event-ID": turn.lastEventId };
    return api.open("GET", `/api/v1/turns/${turn.turnId}/stream`, { headers, signal });
  }
  const body = { ...api.fields, query: turn.query, turn_id: turn.turnId };
  if (turn.conversationId) body.conversation_id = turn.conversationId;
  return api.open("POST", "/api/v1/query/stream", { body, signal });
}

/** The terminal event of a turn that has ended, from the turn itself. */
async function endOf(api, turn) {
  const { answer, failure, turn_id } = await api.send("GET", `/api/v1/turns/${turn.turnId}`);
  if (answer) return { name: "final", id: turn.lastEventId, data: answer };
  const detail = "The turn ended without an answer. Ask again.";
  return { name: "error", id: turn.lastEventId, data: { code: failure ?? "turn-cancelled", detail, turn_id } };
}

function lostProblem() {
  return new Problem({ detail: "The server does not answer. Try again in a moment: nothing is asked twice." });
}

function pause(delay, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, delay);
    const online = () => done();
    function done() {
      clean();
      resolve();
    }
    function abort() {
      clean();
      reject(new DOMException("Stopped", "AbortError"));
    }
    function clean() {
      clearTimeout(timer);
      window.removeEventListener("online", online);
      signal.removeEventListener("abort", abort);
    }
    window.addEventListener("online", online);
    signal.addEventListener("abort", abort);
  });
}
