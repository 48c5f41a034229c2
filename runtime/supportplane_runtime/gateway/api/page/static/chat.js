/**
 * A conversation in one element: the page (page.js) and the widget (widget.js) both show it by `createChat`.
 *
 * Owns what is asked, which conversation goes on, and what is announced to assistive technology; draws by view.js, asks by
 * turn.js. The conversation's id is remembered in this browser, its content never is: it is read from the server again.
 */

import { Problem } from "./api.js";
import { element, icon, ICONS } from "./dom.js";
import { followTurn, newTurn } from "./turn.js";
import { answerView, problemWords, questionView, visuallyHidden } from "./view.js";

const MAX_QUESTION = 8000; // the server's own limit

/** memory: see memory.js. needCredentials: called when the server no longer knows who asks. */
export function createChat({ api, memory, welcome, needCredentials }) {
  const list = element("ol", { class: "sp-list", role: "list" });
  const intro = element("p", { class: "sp-welcome" }, welcome);
  const live = element("div", { class: "sp-hidden", "aria-live": "polite", "aria-atomic": "true" });
  const composer = createComposer({ ask, stop });
  const log = element("section", { class: "sp-log", "aria-label": "Conversation" }, intro, list);
  const node = element("div", { class: "sp-chat" }, log, composer.node, live);
  const state = { conversationId: memory.read("conversation"), running: null, generation: 0 };

  function announce(text) {
    live.textContent = text;
  }

  function remember(conversationId) {
    state.conversationId = conversationId;
    memory.write("conversation", conversationId);
  }

  async function ask(query) {
    list.append(questionView(query));
    await run(newTurn(query, state.conversationId));
  }

  /** Show one turn until it ends. A turn that the server ended is asked anew on retry; one cut off is taken up again. */
  async function run(turn) {
    let next = turn;
    const view = answerView({
      rate: (rating, comment) => rate(turn.turnId, rating, comment),
      retry: () => {
        if (state.running) return;
        view.node.remove();
        composer.focus();
        run(next);
      },
    });
    const control = new AbortController();
    state.running = { turn, control };
    composer.busy(true);
    list.append(view.node);
    toEnd();
    try {
      await show(turn, view, control);
    } catch (error) {
      if (error.name === "AbortError") return;
      fail(error, view);
      if (isRefusal(error)) next = newTurn(turn.query, state.conversationId);
    } finally {
      if (state.running?.control === control) {
        state.running = null;
        composer.busy(false);
      }
    }
  }

  async function show(turn, view, control) {
    const connection = (status, seconds) => {
      const words = view.connection(status, seconds);
      if (status !== "open") announce(words);
    };
    for await (const { name, data } of followTurn(api, turn, { signal: control.signal, connection })) {
      const atEnd = isAtEnd();
      if (name === "progress") showStep(data, view);
      else if (name === "token") view.token(data.text);
      else if (name === "sources") view.sources(data.sources);
      else if (name === "final") finish(data, view);
      else if (name === "error") throw ended(data);
      if (atEnd) toEnd();
    }
  }

  function showStep(data, view) {
    if (data.conversation_id) remember(data.conversation_id);
    announce(view.step(data));
  }

  function finish(reply, view) {
    remember(reply.conversation_id);
    view.finish(reply);
    announce(`Answer: ${reply.response}${reply.ticket_id ? " A person will take over." : ""}`);
  }

  function fail(error, view) {
    if (!(error instanceof Problem)) throw error;
    if (error.code === "turn-cancelled") {
      view.stopped();
      announce("Stopped.");
      return;
    }
    view.fail(error);
    if (error.status === 401) {
      api.forget();
      needCredentials(error);
    }
    if (error.status === 404 && !error.turnEnded) forgetConversation(); // gone, or another person's: start a new one
    toEnd();
  }

  async function stop() {
    if (!state.running) return;
    try {
      await api.send("POST", `/api/v1/turns/${state.running.turn.turnId}/cancel`);
    } catch (error) {
      announce(error.detail ?? "");
    }
  }

  /** Null when stored, otherwise the sentence to show. */
  async function rate(turnId, rating, comment) {
    const body = { turn_id: turnId, rating };
    if (comment) body.comment = comment;
    try {
      await api.send("POST", "/api/v1/feedback", body);
      return null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return `Not stored: ${problemWords(error)}`;
    }
  }

  function forgetConversation() {
    state.conversationId = null;
    memory.remove("conversation");
  }

  function startNew() {
    state.generation += 1;
    state.running?.control.abort();
    state.running = null;
    forgetConversation();
    list.replaceChildren();
    composer.busy(false);
    composer.focus();
    announce("New conversation.");
  }

  /** Show what was said before, and go on with a turn that is still running. Throws Problem when nobody is signed in. */
  async function restore() {
    if (!state.conversationId) return;
    const generation = state.generation;
    let found;
    try {
      found = await api.send("GET", `/api/v1/conversations/${state.conversationId}`);
    } catch (error) {
      if (error.status === 404) forgetConversation();
      else if (error.status !== 403) throw error; // a key that may ask but not read: the conversation goes on unseen
      return;
    }
    if (generation !== state.generation) return;
    list.replaceChildren();
    for (const turn of found.turns) restoreTurn(turn);
    toEnd();
  }

  function restoreTurn({ turn_id: turnId, conversation_id: conversationId, question, answer, status }) {
    list.append(questionView(question));
    const turn = { turnId, query: question, conversationId, lastEventId: `${turnId}:0` };
    if (status === "accepted") {
      run(turn);
      return;
    }
    const retry = () => {
      if (state.running) return;
      view.node.remove();
      run(newTurn(question, conversationId));
    };
    const view = answerView({ rate: (rating, comment) => rate(turnId, rating, comment), retry });
    list.append(view.node);
    if (answer) view.finish(answer);
    else if (status === "cancelled") view.stopped();
    else view.fail(new Problem({ status: 500, title: "No answer", detail: "This question was not answered." }));
  }

  /** Whether the reader follows the newest words; one who scrolled up is left in peace. */
  function isAtEnd() {
    return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  }

  /** As far down as the last question stays in sight: a long answer is read from its beginning. */
  function toEnd() {
    const asked = list.querySelector(".sp-question:nth-last-child(-n + 2)");
    log.scrollTop = Math.min(log.scrollHeight, asked ? asked.offsetTop - 16 : Infinity);
  }

  return { node, restore, startNew, focus: composer.focus };
}

/** The problem of an `error` event: the turn has ended, so asking again is a new turn. */
function ended(data) {
  return Object.assign(new Problem(data), { turnEnded: true });
}

/** Whether repeating the same turn id would only repeat the refusal. */
function isRefusal(error) {
  return Boolean(error.turnEnded) || [404, 409].includes(error.status);
}

function createComposer({ ask, stop }) {
  const label = element("label", { for: "sp-question" }, "Your question");
  const hint = element("p", { class: "sp-hint", id: "sp-hint" }, "Enter sends, Shift + Enter starts a new line.");
  const field = element("textarea", {
    id: "sp-question", rows: 1, maxlength: MAX_QUESTION, placeholder: "Ask a question", "aria-describedby": "sp-hint",
    enterkeyhint: "send", dir: "auto",
  });
  const send = element("button", { type: "submit", class: "sp-send" }, icon(...ICONS.send), visuallyHidden("Send"));
  const halt = element("button", { type: "button", class: "sp-send sp-halt", hidden: true }, icon(...ICONS.stop), visuallyHidden("Stop"));
  const box = element("div", { class: "sp-box" }, label, field, send, halt);
  const node = element("form", { class: "sp-composer" }, box, hint);
  let isBusy = false;

  node.addEventListener("submit", (event) => {
    event.preventDefault();
    const query = field.value.trim();
    if (!query || isBusy) return;
    field.value = "";
    ask(query);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    node.requestSubmit();
  });
  halt.addEventListener("click", () => {
    field.focus();
    stop();
  });

  return {
    node,
    focus: () => field.focus(),
    busy(value) {
      isBusy = value;
      send.hidden = value;
      halt.hidden = !value;
    },
  };
}
