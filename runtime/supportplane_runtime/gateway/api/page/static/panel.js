/**
 * The widget's button and panel inside its shadow root. Called by widget.js; the conversation itself is chat.js.
 */

import { createApi, publishableKey } from "./api.js";
import { createChat } from "./chat.js";
import { element, icon, ICONS } from "./dom.js";
import { browserMemory } from "./memory.js";
import { visuallyHidden } from "./view.js";

const WELCOME = "Ask a question. Answers quote our documents; a person takes over when they do not hold the answer.";

export function createPanel(root, { base, key, agent, label, side }) {
  const memory = browserMemory(`supportplane.${base}.${key}`);
  const api = createApi({ base, credentials: publishableKey(key, base, memory) });
  const chat = createChat({ api, memory, welcome: WELCOME, needCredentials: () => memory.remove("conversation") });
  const open = element("button", { type: "button", class: "sp-launch", "aria-expanded": "false", "aria-controls": "sp-panel" }, icon(...ICONS.chat), label);
  const fresh = element("button", { type: "button", class: "sp-button sp-quiet", title: "New conversation" }, icon(...ICONS.fresh), visuallyHidden("New conversation"));
  const close = element("button", { type: "button", class: "sp-button sp-quiet", title: "Close" }, icon(...ICONS.close), visuallyHidden("Close"));
  const title = element("h2", { id: "sp-panel-title" }, agent);
  const header = element("header", { class: "sp-header" }, title, fresh, close);
  const panel = element("div", { id: "sp-panel", class: "sp-panel", role: "dialog", "aria-labelledby": title.id, hidden: true }, header, chat.node);
  root.append(element("div", { class: `sp-widget sp-theme sp-${side}`, lang: "en", dir: "ltr" }, panel, open));

  let restored = false;
  async function show() {
    panel.hidden = false;
    open.setAttribute("aria-expanded", "true");
    chat.focus();
    if (restored) return;
    restored = true;
    try {
      await chat.restore();
    } catch (problem) {
      if (problem.status === 401) chat.startNew(); // the visitor's month is over: someone new
      restored = problem.status === 401;
    }
  }

  function hide() {
    panel.hidden = true;
    open.setAttribute("aria-expanded", "false");
    open.focus();
  }

  open.addEventListener("click", () => (panel.hidden ? show() : hide()));
  close.addEventListener("click", hide);
  fresh.addEventListener("click", chat.startNew);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}
