/**
 * The chat as a button on another site: <script src="https://host/widget.js" data-key="pk_..." async></script>
 *
 * A classic script, because only those know their own tag. Everything lives in a shadow root, so the site's styles and
 * ours do not meet.
 * Attributes: data-key (needed), data-agent (name in the panel), data-label (text of the button), data-side (left, right).
 */

(() => {
  const tag = document.currentScript;
  const base = new URL(tag.src).origin;
  const options = {
    key: tag.dataset.key ?? "",
    agent: tag.dataset.agent ?? "Support",
    label: tag.dataset.label ?? "Ask us",
    side: tag.dataset.side === "left" ? "left" : "right",
  };

  async function load() {
    const [panel, styles] = await Promise.all([
      import(`${base}/static/panel.js`),
      fetch(`${base}/static/chat.css`, { credentials: "omit" }).then((response) => response.text()),
    ]);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    const host = document.createElement("div");
    host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    panel.createPanel(host.shadowRoot, { base, ...options });
    document.body.append(host);
  }

  function start() {
    if (!options.key.startsWith("pk_")) {
      console.error("Supportplane widget: data-key must be a publishable key (pk_...). Secret keys never go into a page.");
      return;
    }
    load().catch((error) => console.error("Supportplane widget: it could not be loaded.", error));
  }

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
