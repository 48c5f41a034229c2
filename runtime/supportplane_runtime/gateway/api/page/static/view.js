/**
 * Draws the parts of a conversation: question, answer while it grows, sources, confidence, ticket, feedback, problem.
 * Knows nothing of the network; what people do is told to the handlers given by chat.js.
 */

import { direction } from "./direction.js";
import { element, externalLink, icon, ICONS, safeUrl } from "./dom.js";
import { renderMarkdown } from "./markdown.js";

const LOST = "Connection lost. Reconnecting…";
const BUSY = "A lot was asked here in a short time.";

let drawn = 0;

export function questionView(text) {
  return element("li", { class: "sp-turn sp-question" }, visuallyHidden("You asked: "), element("p", { dir: "auto" }, text));
}

/** An answer from its first progress step to its end. Handlers: rate(rating, comment), retry(). */
export function answerView(handlers) {
  const id = `sp-answer-${(drawn += 1)}`;
  const step = element("span", { class: "sp-step", dir: "auto" }, "Sending the question");
  const progress = element("p", { class: "sp-progress" }, element("span", { class: "sp-dots", "aria-hidden": "true" }), step);
  const text = element("div", { class: "sp-text" });
  const below = element("div", { class: "sp-below" });
  const node = element("li", { class: "sp-turn sp-answer", id }, visuallyHidden("Answer: "), text, progress, below);
  const state = { response: "", sources: [] };

  function draw() {
    text.setAttribute("dir", direction(state.response) ?? "auto");
    text.replaceChildren(renderMarkdown(state.response, (marker) => citation(id, state.sources, marker)));
  }

  return {
    node,
    /** The server says what it does, in the conversation's language. */
    step({ detail }) {
      step.textContent = detail;
      return step.textContent;
    },
    /** seconds: with "early", until the question is sent again. */
    connection(status, seconds) {
      progress.classList.toggle("sp-lost", status === "lost");
      if (status === "lost") step.textContent = LOST;
      else if (status === "early") step.textContent = `${BUSY} Your question is sent by itself in ${span(seconds)}.`;
      else if (step.textContent === LOST) step.textContent = "Connected again";
      return step.textContent;
    },
    token(piece) {
      state.response += piece;
      draw();
    },
    sources(sources) {
      state.sources = sources;
      draw();
    },
    finish(reply) {
      Object.assign(state, { response: reply.response, sources: reply.sources });
      text.setAttribute("lang", reply.language);
      progress.remove();
      draw();
      below.replaceChildren(
        ...[ticketView(reply), sourcesView(id, reply.sources), footerView(reply, handlers)].filter(Boolean),
      );
    },
    fail(problem) {
      progress.remove();
      below.replaceChildren(problemView(problem, handlers.retry));
    },
    stopped() {
      progress.remove();
      const again = element("button", { type: "button", class: "sp-button", on: { click: handlers.retry } }, "Ask again");
      below.replaceChildren(element("p", { class: "sp-note" }, "You stopped this answer. "), again);
    },
  };
}

function citation(answerId, sources, marker) {
  if (!sources.some((source) => source.marker === marker)) return null;
  const target = `${answerId}-source-${marker}`;
  const label = `Source ${marker}: ${sources.find((source) => source.marker === marker).title}`;
  const link = element("a", { href: `#${target}`, class: "sp-citation", "aria-label": label, title: label }, String(marker));
  link.addEventListener("click", (event) => {
    event.preventDefault(); // the page's hash stays free, and a shadow root has no hash targets
    const source = link.getRootNode().getElementById(target);
    source?.scrollIntoView({ block: "nearest" });
    source?.focus();
  });
  return link;
}

function sourcesView(answerId, sources) {
  if (!sources.length) return null;
  const heading = element("h3", { id: `${answerId}-sources` }, sources.length === 1 ? "Source" : "Sources");
  const items = sources.map((source) => sourceView(`${answerId}-source-${source.marker}`, source));
  return element("section", { class: "sp-sources", "aria-labelledby": heading.id }, heading, element("ol", {}, ...items));
}

function sourceView(id, source) {
  const href = safeUrl(source.url);
  const title = element("span", { class: "sp-title", dir: "auto" }, source.title || source.url);
  const quote = element("blockquote", { class: "sp-proof", cite: href, dir: direction(source.quote) }, renderMarkdown(source.quote));
  const more = element("button", { type: "button", class: "sp-more", "aria-expanded": "false" }, "Show the whole quote");
  more.addEventListener("click", () => {
    const open = quote.classList.toggle("sp-open");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Show less" : "Show the whole quote";
  });
  const where = source.url && !href ? element("span", { class: "sp-path" }, element("bdi", { dir: "ltr" }, source.url)) : null;
  const place = (source.headings ?? []).join(" › ");
  const headings = place ? element("span", { class: "sp-place", dir: "auto" }, place) : null;
  const body = element("div", {}, href ? externalLink(href, title) : title, headings, where, quote, more);
  const number = element("span", { class: "sp-number", "aria-hidden": "true" }, String(source.marker));
  const item = element("li", { id, tabindex: "-1", value: source.marker, dir: direction(source.title) }, number, body);
  new ResizeObserver(() => {
    more.hidden = !quote.classList.contains("sp-open") && quote.scrollHeight <= quote.clientHeight + 1;
  }).observe(quote);
  return item;
}

function ticketView(reply) {
  if (!reply.ticket_id) return null;
  const number = element("code", { title: reply.ticket_id }, reply.ticket_id.slice(0, 8));
  const words = element("p", {}, element("strong", {}, "A person will take over."), " Your ticket is ", number, ".");
  return element("div", { class: "sp-ticket" }, icon(...ICONS.person), words);
}

export function confidenceWord(confidence) {
  return confidence >= 0.8 ? "high" : confidence >= 0.5 ? "medium" : "low";
}

function confidenceView({ confidence, outcome }) {
  if (outcome !== "answered") return null;
  const word = confidenceWord(confidence);
  const percent = Math.round(confidence * 100);
  const meter = element("meter", { min: 0, max: 1, low: 0.5, high: 0.8, optimum: 1, value: confidence, "aria-hidden": "true" });
  return element("p", { class: `sp-confidence sp-${word}` }, `Confidence: ${word}, ${percent} %`, meter);
}

function footerView(reply, handlers) {
  const thanks = element("span", { class: "sp-thanks", role: "status" });
  const comment = commentView((text) => send(chosen, text));
  let chosen = null;
  let said = null; // the stored comment: each rating replaces the one before, and must not erase it

  async function send(rating, text) {
    chosen = rating;
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === rating));
    const words = text ?? said;
    const failed = await handlers.rate(rating, words);
    if (!failed) said = words;
    thanks.textContent = failed ? failed : words ? "Thank you. Your comment is stored." : "Thank you.";
    comment.hidden = Boolean(words) || Boolean(failed);
    comment.scrollIntoView({ block: "nearest" });
  }

  const buttons = {
    up: rateButton("This answer helped", ICONS.up, () => send("up", null)),
    down: rateButton("This answer did not help", ICONS.down, () => send("down", null)),
  };
  const rating = element("div", { class: "sp-rating", role: "group", "aria-label": "Rate this answer" }, buttons.up, buttons.down, thanks);
  return element("footer", {}, element("div", { class: "sp-row" }, confidenceView(reply), rating), comment);
}

function rateButton(label, paths, click) {
  const properties = { type: "button", class: "sp-button sp-quiet", "aria-label": label, title: label, "aria-pressed": "false" };
  return element("button", { ...properties, on: { click } }, icon(...paths));
}

function commentView(submit) {
  const id = `sp-comment-${(drawn += 1)}`;
  const input = element("input", { id, type: "text", dir: "auto", maxlength: 4000, autocomplete: "off" });
  const label = element("label", { for: id }, "What was good or missing? (optional)");
  const form = element("form", { class: "sp-comment", hidden: true }, label, input, element("button", { class: "sp-button" }, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) submit(input.value.trim());
  });
  return form;
}

/** What went wrong, as a sentence for a person. A limit's own detail speaks to those who set the limit. */
export function problemWords(problem) {
  const wait = problem.retryAfter ? ` Try again in ${span(problem.retryAfter)}.` : "";
  return (problem.status === 429 ? BUSY : problem.detail) + wait;
}

function span(seconds) {
  if (seconds > 90) return `${Math.ceil(seconds / 60)} minutes`;
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}

/** A problem in the server's own words, with a way on. */
function problemView(problem, retry) {
  const title = problem.status === 429 ? null : element("strong", {}, `${problem.title}. `);
  const words = element("p", {}, title, problemWords(problem));
  const button = element("button", { type: "button", class: "sp-button", on: { click: retry } }, "Try again");
  return element("div", { class: "sp-problem", role: "alert" }, icon(...ICONS.warning), element("div", {}, words, button));
}

export function visuallyHidden(text) {
  return element("span", { class: "sp-hidden" }, text);
}
