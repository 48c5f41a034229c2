/**
 * The chat as a button on another site: <script src="https://host/widget.js" data-key="pk_..." async></script>
 *
 * A classic script, because only those know their own tag. Everything lives in a shadow root, so the site's styles and
 * ours do not meet; what a shadow root would inherit, the sheet resets (`:host` in chat.css), and here go its sizes, which
 * are in units of the site's root element, and the site's zoom.
 * Attributes: data-key (needed), data-agent (name in the panel), data-label (text of the button), data-side (left, right).
 */

(() => {
  const ROOT_PX = 16; // the root's font size in every browser, unless a site or a person changes it
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
    sheet.replaceSync(inPixels(styles));
    const host = document.createElement("div");
    host.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    panel.createPanel(host.shadowRoot, { base, ...options });
    document.body.append(host);
    unzoom(host);
  }

  function inPixels(styles) {
    return styles.replace(/(\d*\.?\d+)rem\b/g, (_, size) => `${size * ROOT_PX}px`);
  }

  /** Browsers that do not tell the zoom of an element show the widget as large as the site around it. */
  function unzoom(host) {
    const zoom = host.currentCSSZoom ?? 1;
    if (zoom !== 1) host.shadowRoot.firstElementChild.style.setProperty("zoom", String(1 / zoom));
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
