/**
 * A small, safe part of Markdown as DOM nodes: paragraphs, lists, headings (as bold lines), fenced and inline code, bold,
 * links to http(s) only, and citation markers [1]. Everything else stays the text it is. Never builds markup strings.
 */

import { element, externalLink, safeUrl } from "./dom.js";

const FENCE = /^\s*(```|~~~)/;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*?)\s*#*$/;
const INLINE = /`([^`]+)`|\*\*(\S(?:[^*]*\S)?)\*\*|\[([^[\]]+)\]\(([^()\s]+)\)|\[(\d{1,3})\]|(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]])/g;

/** citation: given a marker's number, the node to show for it, or null to leave the text. */
export function renderMarkdown(text, citation = () => null) {
  const fragment = document.createDocumentFragment();
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; ) {
    const take = FENCE.test(lines[at]) ? takeCode : ITEM.test(lines[at]) ? takeList : takeParagraph;
    const [node, next] = take(lines, at, citation);
    if (node) fragment.append(node);
    at = next;
  }
  return fragment;
}

function takeCode(lines, start) {
  const fence = lines[start].match(FENCE)[1];
  let end = start + 1;
  while (end < lines.length && !lines[end].trimStart().startsWith(fence)) end += 1;
  const code = element("code", {}, lines.slice(start + 1, end).join("\n"));
  return [element("pre", { tabindex: "0" }, code), end + 1];
}

function takeList(lines, start, citation) {
  const ordered = lines[start].match(ITEM)[1];
  const list = element(ordered ? "ol" : "ul", { start: ordered ?? null });
  let at = start;
  for (; at < lines.length; at += 1) {
    const match = lines[at].match(ITEM);
    if (!match || Boolean(match[1]) !== Boolean(ordered)) break;
    const item = [match[2]];
    while (at + 1 < lines.length && /^\s{2,}\S/.test(lines[at + 1]) && !ITEM.test(lines[at + 1])) {
      at += 1;
      item.push(lines[at].trim());
    }
    list.append(element("li", {}, ...inline(item.join(" "), citation)));
  }
  return [list, at];
}

function takeParagraph(lines, start, citation) {
  const heading = lines[start].match(HEADING);
  if (heading) return [element("p", {}, element("strong", {}, ...inline(heading[1], citation))), start + 1];
  let end = start;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines[end], end > start)) end += 1;
  if (end === start) return [null, start + 1];
  return [element("p", {}, ...inline(lines.slice(start, end).join("\n"), citation)), end];
}

function startsBlock(line, inside) {
  return inside && (FENCE.test(line) || ITEM.test(line) || HEADING.test(line));
}

function inline(text, citation) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > last) nodes.push(text.slice(last, match.index));
    nodes.push(inlineNode(match, citation));
    last = match.index + match[0].length;
  }
  if (last < text.length) nodes.push(text.slice(last));
  return nodes;
}

function inlineNode([whole, code, bold, label, target, marker, bare], citation) {
  if (code !== undefined) return element("code", {}, code);
  if (bold !== undefined) return element("strong", {}, ...inline(bold, citation));
  if (marker !== undefined) return citation(Number(marker)) ?? whole;
  const href = safeUrl(target ?? bare);
  if (href) return externalLink(href, label ?? bare);
  return label ?? whole; // a relative link of the documents: its words, without a target that leads nowhere
}
