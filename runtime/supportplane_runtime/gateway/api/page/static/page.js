/**
 * The chat page: finds out who is asking (one-time link, session cookie, or a pasted key) and shows the conversation.
 *
 * A pasted key stays in this tab (sessionStorage) and is never put into a URL. The token of a one-time link is removed
 * from the address bar before it is used.
 */

import { createApi, pastedKey, session } from "./api.js";
import { createChat } from "./chat.js";
import { element } from "./dom.js";
import { browserMemory } from "./memory.js";
import { randomId } from "./turn.js";
import { problemWords } from "./view.js";

const WELCOME = "Ask a question. The answer quotes the documents it comes from, and a person takes over when they do not answer it.";
const browser = browserMemory("supportplane");
const tab = browserMemory("supportplane", () => window.sessionStorage);
const main = document.getElementById("main");
const fresh = document.getElementById("new-conversation");
const leave = document.getElementById("sign-out");
let chat = null;

function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

/** A key's conversations are those of one made-up user of this browser; a session has its own. */
function credentials() {
  const key = tab.read("key");
  if (!key) return session();
  if (!browser.read("user")) browser.write("user", `page-${randomId()}`);
  return pastedKey(key, browser.read("user"));
}

async function start() {
  const token = takeToken();
  try {
    if (token) {
      tab.remove("key");
      await createApi({ credentials: session() }).send("POST", "/api/v1/sessions", { token });
    }
    await enter();
  } catch (problem) {
    if (!problem.detail) throw problem;
    if (problem.status === 401 || problem.status === 403) showSignIn(token || tab.read("key") ? problem : null);
    else showUnreachable(problem);
  }
}

/** Show the conversation; throws the Problem that says nobody is signed in. */
async function enter() {
  const api = createApi({ credentials: credentials() });
  await whoAsks(api);
  chat = createChat({ api, memory: browser, welcome: WELCOME, needCredentials: showSignIn });
  await chat.restore();
  main.replaceChildren(chat.node);
  showActions(true);
  chat.focus();
}

function showActions(shown) {
  fresh.hidden = !shown;
  leave.hidden = !shown;
}

/** Ends the session on the server, or forgets the pasted key; this browser forgets the conversation with either. */
async function signOut() {
  try {
    if (!tab.read("key")) await createApi({ credentials: session() }).send("DELETE", "/api/v1/sessions/current");
  } catch (problem) {
    if (!problem.detail) throw problem;
    if (problem.status !== 401) {
      showUnreachable(problem, signOut);
      return;
    }
  }
  chat?.startNew();
  chat = null;
  tab.remove("key");
  browser.remove("user");
  showSignIn(null);
}

/** A key that may ask but not read is refused here with 403, and is known all the same. */
async function whoAsks(api) {
  try {
    await api.send("GET", "/api/v1/conversations?limit=1");
  } catch (problem) {
    if (problem.status !== 403 || problem.code !== "forbidden") throw problem;
  }
}

function showSignIn(problem) {
  showActions(false);
  const field = element("input", {
    id: "key", type: "password", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "key-hint",
  });
  const trouble = problem ? element("p", { class: "sp-problem", role: "alert" }, problemWords(problem)) : null;
  const form = element(
    "form",
    { class: "sp-sign-in" },
    element("h2", {}, "Sign in to ask"),
    element("p", {}, "Open the link that the terminal prints, or paste an API key."),
    trouble,
    element("label", { for: "key" }, "API key"),
    field,
    element("p", { class: "sp-hint", id: "key-hint" }, "The key stays in this tab and is forgotten when you close it."),
    element("button", { class: "sp-button sp-primary" }, "Sign in"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    tab.write("key", field.value.trim());
    try {
      await enter();
    } catch (refused) {
      if (!refused.detail) throw refused;
      tab.remove("key");
      showSignIn(refused);
    }
  });
  main.replaceChildren(form);
  field.focus();
}

function showUnreachable(problem, action = start) {
  showActions(false);
  const again = element("button", { type: "button", class: "sp-button sp-primary", on: { click: () => action() } }, "Try again");
  const words = element("p", { role: "alert" }, element("strong", {}, `${problem.title}. `), problemWords(problem));
  main.replaceChildren(element("div", { class: "sp-sign-in" }, words, again));
  again.focus();
}

fresh.addEventListener("click", () => chat?.startNew());
leave.addEventListener("click", signOut);
window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) start();
});
start();
