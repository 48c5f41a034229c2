/**
 * Builds elements without markup strings: text always becomes a text node, so nothing from outside can become code.
 * Used by every module that draws.
 */

const SVG = "http://www.w3.org/2000/svg";

/** properties: attributes by name; true is an empty attribute, null and false are left out; `on` maps events to handlers. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A line icon of 24 by 24 from path data; decoration only, so hidden from assistive technology. */
export function icon(...paths) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false", class: "sp-icon" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  for (const data of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", data);
    svg.append(path);
  }
  return svg;
}

export const ICONS = {
  up: ["M7 11v9H4v-9zM7 11l4-8a2.5 2.5 0 0 1 2.5 2.5V9h4.7a2 2 0 0 1 2 2.4l-1.3 7a2 2 0 0 1-2 1.6H7"],
  down: ["M17 13V4h3v9zM17 13l-4 8a2.5 2.5 0 0 1-2.5-2.5V15H5.8a2 2 0 0 1-2-2.4l1.3-7a2 2 0 0 1 2-1.6H17"],
  send: ["M5 12h13M12 5l7 7-7 7"],
  stop: ["M7 7h10v10H7z"],
  fresh: ["M12 5v14M5 12h14"],
  close: ["M6 6l12 12M18 6L6 18"],
  person: ["M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0"],
  warning: ["M12 4l9 16H3zM12 10v4M12 17v.5"],
  chat: ["M4 5h16v11H9l-5 4z"],
};

/** The url when it is plain http or https, otherwise null: javascript:, data: and paths never become links. */
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

export function externalLink(href, ...children) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}
