/**
 * Markdown as DOM nodes, block by block: paragraphs, nested lists with their own numbers, tables, quotes, admonitions of
 * three dialects, headings (as bold lines) and fenced code; what stands inside of them is inline.js. Everything else
 * stays the text it is. Never builds markup strings.
 *
 * The text may be a part of a page or of a stream: a table may lack its head, a box or a fence its end. A drawing of the
 * first half of a text looks like the first half of the drawing of all of it, so that an answer grows without jumps.
 */

import { direction } from "./direction.js";
import { element } from "./dom.js";
import { inline } from "./inline.js";

const FENCE = /^\s*(`{3,}|~{3,})([^`]*)$/;
const ITEM = /^(\s*)(?:[-*+•]|(\d{1,9})[.)])\s+(.*)$/;
const HEADING = /^\s{0,3}#{1,6}\s+(.*?)\s*(?:\{#[\w-]+\}\s*|#*)$/;
const UNDERLINE = /^\s{0,3}(?:=+|-{2,})\s*$/;
const RULE = /^\s{0,3}(?:-(?:\s*-){2,}|\*(?:\s*\*){2,}|_(?:\s*_){2,})\s*$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const ROW = /^\s*\|[^|]*\|/;
const DELIMITER = /^[\s|:-]*-[\s|:-]*$/;
const MARKERS = /^(.*?)((?:\s*\[\d{1,3}\])*)\s*$/s;
const BOX = /^\s*(:{3,})\s*([A-Za-z]\w*)\s*(?:\[(.*)\]|(.*))$/;
const BOX_END = /^\s*:{3,}((?:\s*\[\d{1,3}\])*)\s*$/;
const BANG = /^\s*(?:!!!|\?\?\?\+?)\s+([A-Za-z]\w*)(?:\s+[\w ]*)?(?:"(.*)")?\s*$/;
const ALERT = /^\[!([A-Za-z]+)\][+-]?\s*(.*)$/;
const MAX_DEPTH = 8; // quotes in quotes in lists; what lies deeper is shown as text

const KINDS = { tip: "tip", hint: "tip", success: "tip", warning: "warn", caution: "warn", danger: "warn", error: "warn", attention: "warn" };

/** citation: given a marker's number, the node to show for it, or null to leave the text. */
export function renderMarkdown(text, citation = () => null) {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(text.replaceAll("\t", "    ").split(/\r?\n/), citation, 0));
  return fragment;
}

function blocks(lines, citation, depth) {
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    const [node, next] = taker(lines, at, depth)(lines, at, citation, depth);
    if (node && !continues(nodes.at(-1), node)) nodes.push(node);
    at = next;
  }
  return nodes;
}

/** The function that takes the block which begins here. */
function taker(lines, at, depth) {
  const line = lines[at];
  if (depth >= MAX_DEPTH) return takeParagraph;
  if (FENCE.test(line)) return takeCode;
  if (RULE.test(line)) return takeRule;
  if (ITEM.test(line)) return takeList;
  if (QUOTE.test(line)) return takeQuote;
  if (BOX.test(line) || BOX_END.test(line)) return takeBox;
  if (BANG.test(line)) return takeBang;
  return beginsTable(lines, at) ? takeTable : takeParagraph;
}

/** Rows of one table that were quoted one by one become one table again. */
function continues(before, node) {
  if (!before?.matches?.(".sp-scroll") || !node.matches(".sp-scroll") || node.querySelector("thead")) return false;
  const [table, rows] = [before.firstChild, node.firstChild];
  if (table.rows[0].cells.length !== rows.rows[0].cells.length) return false;
  table.tBodies[0].append(...rows.rows);
  return true;
}

function takeRule(lines, at) {
  return [element("hr"), at + 1];
}

function takeCode(lines, start) {
  const [, fence] = lines[start].match(FENCE);
  const indent = indentOf(lines[start]);
  let end = start + 1;
  while (end < lines.length && !closes(lines[end], fence)) end += 1;
  const code = element("code", {}, lines.slice(start + 1, end).map((line) => dedent(line, indent)).join("\n"));
  return [element("pre", { tabindex: "0", dir: "ltr" }, code), end + 1];
}

function closes(line, fence) {
  const trimmed = line.trim();
  return trimmed.startsWith(fence) && [...trimmed].every((character) => character === fence[0]);
}

function indentOf(line) {
  return line.length - line.trimStart().length;
}

function dedent(line, most) {
  return line.slice(Math.min(most, indentOf(line)));
}

/* Lists */

function takeList(lines, start, citation, depth) {
  const [, indent, first] = lines[start].match(ITEM);
  const list = element(first ? "ol" : "ul", { start: first ?? null });
  let before = null;
  let at = start;
  for (let next = start; isNextItem(lines[next], lines[start], before); next = skipBlank(lines, at)) {
    const item = numbered(lines[next].match(ITEM)[2], before);
    const end = itemEnd(lines, next, indent.length);
    const jumps = before && item.value !== before.value + 1;
    const nodes = itemNodes(itemLines(lines, next, end), citation, depth);
    list.append(element("li", { value: jumps ? item.value : null }, ...nodes));
    [before, at] = [item, end];
  }
  setDirection(list, lines.slice(start, at).join("\n"));
  return [list, at];
}

/** Whether the line goes on with the list that `first` began. before: the number of the item before, see numbered. */
function isNextItem(line, first, before) {
  if (!before) return true;
  const [item, beginning] = [line?.match(ITEM), first.match(ITEM)];
  if (!item || RULE.test(line) || item[1].length >= beginning[1].length + 2) return false;
  if (Boolean(item[2]) !== Boolean(beginning[2])) return false;
  return !item[2] || Number(item[2]) > before.written || before.repeats; // else the steps of another list
}

/** An item's own number. Authors who number every step 1 mean the step after the one before. */
function numbered(text, before) {
  const written = Number(text ?? 0);
  const repeats = !before || (before.repeats && before.written === written);
  return { written, repeats, value: before && repeats ? before.value + 1 : written };
}

/** An item's lines without its mark and the indentation that makes them its own. */
function itemLines(lines, start, end) {
  const text = lines[start].match(ITEM)[3];
  const inside = lines.slice(start + 1, end);
  const offset = Math.min(...inside.filter((line) => line.trim()).map(indentOf), lines[start].length - text.length);
  return [text.replace(/^\[([ xX])\]\s+/, (_, mark) => (mark === " " ? "☐ " : "☑ ")), ...inside.map((line) => dedent(line, offset))];
}

/** The line after an item: what is indented below it belongs to it, and a line of text right below. */
function itemEnd(lines, start, indent) {
  let end = start + 1;
  for (let at = end; at < lines.length; at += 1) {
    if (!lines[at].trim()) continue;
    const deeper = indentOf(lines[at]) >= indent + 2;
    const lazy = at === end && taker(lines, at, 0) === takeParagraph && !HEADING.test(lines[at]);
    if (!deeper && !lazy) break;
    end = at + 1;
  }
  return end;
}

function skipBlank(lines, at) {
  let next = at;
  while (next < lines.length && !lines[next].trim()) next += 1;
  return next;
}

/** An item of one paragraph and what is nested in it stands without a paragraph of its own. */
function itemNodes(content, citation, depth) {
  const nodes = blocks(content, citation, depth + 1);
  if (nodes[0]?.matches?.("p")) nodes.splice(0, 1, ...nodes[0].childNodes);
  return nodes;
}

/* Tables */

function beginsTable(lines, at) {
  if (ROW.test(lines[at])) return true;
  const next = lines[at + 1] ?? "";
  return lines[at].includes("|") && next.includes("|") && DELIMITER.test(next);
}

function takeTable(lines, start, citation) {
  const hasHead = DELIMITER.test(lines[start + 1] ?? "") && (lines[start + 1] ?? "").includes("|");
  let end = start + 1;
  while (end < lines.length && lines[end].trim() && lines[end].includes("|")) end += 1;
  const rows = lines.slice(start, end).filter((line) => !DELIMITER.test(line)).map(cells);
  const sides = hasHead ? cells(lines[start + 1]).map(side) : [];
  const head = hasHead ? rows.shift() : null;
  const width = Math.max(...[head ?? [], ...rows].map((row) => row.length), 1);
  const drawn = (row, tag) => rowView(row, { tag, width, sides, citation });
  const body = element("tbody", {}, ...rows.map((row) => drawn(row, "td")));
  const table = element("table", {}, head ? element("thead", {}, drawn(head, "th")) : null, body);
  setDirection(table, lines.slice(start, end).join("\n"));
  const properties = { class: "sp-scroll", role: "region", tabindex: "0", "aria-label": "Table" };
  return [table.rows.length ? element("div", properties, table) : null, end];
}

/** Of `| a | b | [1]` the marker goes into the last cell. */
function cells(line) {
  const [, row, markers] = line.trim().match(MARKERS);
  const parts = row.replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  parts.push(`${parts.pop()}${markers}`.trim());
  return parts;
}

function side(mark) {
  if (!mark.endsWith(":")) return null;
  return mark.startsWith(":") ? "center" : "end";
}

function rowView(row, { tag, width, sides, citation }) {
  const cell = (text, column) => {
    const align = sides[column] ? `sp-${sides[column]}` : null;
    const node = element(tag, { class: align, scope: tag === "th" ? "col" : null }, ...inline(text, citation));
    return setDirection(node, text);
  };
  return element("tr", {}, ...Array.from({ length: width }, (_, column) => cell(row[column] ?? "", column)));
}

/* Quotes and admonitions */

function takeQuote(lines, start, citation, depth) {
  let end = start;
  while (end < lines.length && (QUOTE.test(lines[end]) || (end > start && isLazy(lines, end)))) end += 1;
  const inside = lines.slice(start, end).map((line) => line.match(QUOTE)?.[1] ?? line);
  const alert = inside[0].match(ALERT);
  if (alert) return [box(alert[1], alert[2], inside.slice(1), { citation, depth }), end];
  const quote = element("blockquote", { class: "sp-quote" }, ...blocks(inside, citation, depth + 1));
  return [setDirection(quote, inside.join("\n")), end];
}

/** A line of text right below a quoted line of text goes on with it. */
function isLazy(lines, at) {
  const before = lines[at - 1].match(QUOTE)?.[1] ?? lines[at - 1];
  return Boolean(before.trim() && lines[at].trim()) && taker(lines, at, 0) === takeParagraph && !HEADING.test(lines[at]);
}

/** `:::tip[Title]` to `:::`. Without an end, as in a stream or a part of a page, the box holds the next paragraph. */
function takeBox(lines, start, citation, depth) {
  const match = lines[start].match(BOX);
  if (!match) return strayEnd(lines, start, citation);
  let end = start + 1;
  let open = 1;
  for (; end < lines.length && open; end += 1) {
    if (BOX_END.test(lines[end])) open -= 1;
    else if (BOX.test(lines[end])) open += 1;
  }
  if (open) {
    end = skipBlank(lines, start + 1);
    while (end < lines.length && lines[end].trim()) end += 1;
    return [box(match[2], match[3] ?? match[4], lines.slice(start + 1, end), { citation, depth }), end];
  }
  const [, markers] = lines[end - 1].match(BOX_END);
  const inside = withMarkers(lines.slice(start + 1, end - 1), markers.trim());
  return [box(match[2], match[3] ?? match[4], inside, { citation, depth }), end];
}

/** The markers behind a box's end stand behind its last word. */
function withMarkers(lines, markers) {
  const last = lines.at(-1) ?? "";
  if (!markers || !last.trim() || FENCE.test(last)) return markers ? [...lines, markers] : lines;
  return [...lines.slice(0, -1), `${last} ${markers}`];
}

/** The end of a box whose beginning was not quoted: only its markers are something to read. */
function strayEnd(lines, start, citation) {
  const [, markers] = lines[start].match(BOX_END);
  return [markers.trim() ? element("p", {}, ...inline(markers.trim(), citation)) : null, start + 1];
}

/** `!!! warning "Title"` and the indented lines below. */
function takeBang(lines, start, citation, depth) {
  const [, kind, title] = lines[start].match(BANG);
  const indent = indentOf(lines[start]);
  let end = start + 1;
  for (let at = end; at < lines.length; at += 1) {
    if (lines[at].trim() && indentOf(lines[at]) < indent + 2) break;
    if (lines[at].trim()) end = at + 1;
  }
  const inside = lines.slice(start + 1, end).map((line) => dedent(line, indent + 4));
  return [box(kind, title, inside, { citation, depth }), end];
}

/** A labelled box. Without a title its label is the kind that the author wrote, on the side where the text begins. */
function box(kind, title, inside, { citation, depth }) {
  const said = (title ?? "").trim();
  const words = said || kind[0].toUpperCase() + kind.slice(1).toLowerCase();
  const label = setDirection(element("p", { class: "sp-label" }, ...inline(words, citation)), said);
  const tone = KINDS[kind.toLowerCase()] ?? "note";
  const node = element("div", { class: `sp-note-box sp-tone-${tone}`, role: "note" }, label, ...blocks(inside, citation, depth + 1));
  return setDirection(node, inside.join("\n"));
}

/* Text */

function takeParagraph(lines, start, citation, depth) {
  const heading = lines[start].match(HEADING);
  if (heading) return [paragraph([element("strong", {}, ...inline(heading[1], citation))], heading[1]), start + 1];
  let end = start;
  while (end < lines.length && lines[end].trim() && !(end > start && startsBlock(lines, end, depth))) end += 1;
  if (end === start) return [null, start + 1];
  const text = lines.slice(start, end).map((line) => line.trim()).join("\n");
  const nodes = inline(text, citation);
  if (end < lines.length && UNDERLINE.test(lines[end])) return [paragraph([element("strong", {}, ...nodes)], text), end + 1];
  return [paragraph(nodes, text), end];
}

function startsBlock(lines, at, depth) {
  if (UNDERLINE.test(lines[at]) || HEADING.test(lines[at])) return true;
  return depth < MAX_DEPTH && taker(lines, at, depth) !== takeParagraph;
}

function paragraph(nodes, text) {
  return setDirection(element("p", {}, ...nodes), text);
}

function setDirection(node, text) {
  const found = direction(text);
  if (found) node.setAttribute("dir", found);
  return node;
}
