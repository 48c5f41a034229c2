/**
 * What stands inside of a paragraph, a list item or a table cell, as DOM nodes: code, bold, italics, struck words, links,
 * and citation markers [1]. Called by markdown.js.
 *
 * An image is its description and a link that leads to no web page is its words. HTML stays the text it is, but for
 * `<br>`, the only way to begin a line in a table's cell.
 */

import { element, externalLink, safeUrl } from "./dom.js";

const PARTS = [
  /\\(?<escaped>[!-/:-@[-`{-~])/,
  /(?<ticks>`+)(?<code>[^`]|[^`][^]*?[^`])\k<ticks>(?!`)/,
  /(?<broken><br\s*\/?>)/,
  /!\[(?<picture>[^[\]]*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+["'][^)]*["'])?\s*\)|\[[^[\]]*\])/,
  /\[(?<label>(?:!\[[^[\]]*\]\([^()]*\)|\\.|[^[\]\\])+)\]\(\s*(?<target><[^<>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+["'][^)]*["'])?\s*\)/,
  /\[(?<marker>\d{1,3})\](?!\()/,
  /\[(?<words>[^[\]]+)\]\[[^[\]]*\]/,
  /\*\*(?=\S)(?<bold>[^]+?)(?<=\S)\*\*(?!\*)/,
  /(?<![\p{L}\p{N}_])__(?=\S)(?<bold2>[^]+?)(?<=\S)__(?![\p{L}\p{N}_])/,
  /~~(?=\S)(?<struck>[^]+?)(?<=\S)~~/,
  /(?<![*\p{N}])\*(?=[^\s*])(?<em>[^*]+?)(?<=[^\s*])\*(?!\*)/,
  /(?<![\p{L}\p{N}_])_(?=[^\s_])(?<em2>[^_]+?)(?<=[^\s_])_(?![\p{L}\p{N}_])/,
  /<?(?<bare>https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]*_])>?/,
];
const INLINE = new RegExp(PARTS.map((part) => part.source).join("|"), "gu");
const ADDRESS = /^(?:mailto|tel):([^?]+)/i;

/** citation: given a marker's number, the node to show for it, or null to leave the text. */
export function inline(text, citation) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > last) nodes.push(text.slice(last, match.index));
    nodes.push(...inlineNodes(match[0], match.groups, citation));
    last = match.index + match[0].length;
  }
  if (last < text.length) nodes.push(text.slice(last));
  return nodes;
}

function inlineNodes(whole, found, citation) {
  if (found.escaped !== undefined) return [found.escaped];
  if (found.code !== undefined) return [element("code", { dir: "ltr" }, found.code.replace(/^ (.*\S.*) $/s, "$1"))];
  if (found.broken) return [element("br")];
  if (found.picture !== undefined) return [found.picture];
  if (found.label !== undefined) return link(found.label, found.target, citation);
  if (found.marker) return [citation(Number(found.marker)) ?? whole];
  if (found.words) return inline(found.words, citation);
  if (found.bare) return [bareLink(found.bare)];
  const [tag, inner] = emphasis(found);
  return [element(tag, {}, ...inline(inner, citation))];
}

function emphasis({ bold, bold2, struck, em, em2 }) {
  if (bold ?? bold2) return ["strong", bold ?? bold2];
  return struck ? ["s", struck] : ["em", em ?? em2];
}

function bareLink(address) {
  const href = safeUrl(address);
  return href ? externalLink(href, element("bdi", {}, address)) : address;
}

/** A link into the files of the documents leads nowhere from here: its words are shown. */
function link(label, target, citation) {
  const words = inline(label, () => null);
  const href = safeUrl(target.replace(/^<|>$/g, ""));
  if (href) return [externalLink(href, ...words)];
  const [, address] = target.match(ADDRESS) ?? [];
  return address && !label.includes(address) ? [...words, ` (${address})`] : inline(label, citation);
}
