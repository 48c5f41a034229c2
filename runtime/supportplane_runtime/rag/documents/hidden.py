"""A page's source to what its readers see: comments, template tags and hidden elements go; pure, called by formats/.

One pass from left to right. Code stays as it is, because there a comment is what the author shows: fences, indented
blocks and code spans. Where renderers differ, what one of them hides is hidden. A comment that has no end hides the
rest of the file where a renderer does so, and the caller tells the author.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from supportplane_runtime.rag.documents.blocks import line_starts, parsed
from supportplane_runtime.rag.documents.shortcodes import END_OF_TAG, shown_by_shortcode, verbatim_until
from supportplane_runtime.rag.documents.style_rules import NO_RULES, HidingRules
from supportplane_runtime.rag.documents.visibility import UNSEEN, VOID, is_hidden

# Every alternative begins with a letter of its own: only then the search leaps from one to the next (2 MB in 20 ms).
_TEMPLATE: Final = r"\{%|\{#|\{\{[<%]|\{\{-?\s?/\*|\{\{!"
_MARKDOWN: Final = (
    r"\\[\\`<{%\[]|``*|<!--|<\?|<[A-Za-z]|%%|%[ \t\n]|\{\s?/\*|\{::|\.\.[ \t\n]|import[ \t]|\[\]\("
    r"|\[(?://|#|[Cc]omments?)\]:|\[[^\^\]\n][^\]\n]{0,200}\]:[ \t]+(?:<#?>|[#-])(?=\s)"
)
_IN_MARKDOWN: Final = re.compile(f"{_TEMPLATE}|{_MARKDOWN}")
_IN_HTML: Final = re.compile(_TEMPLATE)
_COMMENT_MARK: Final = re.compile(r"<!--|-->")
_TAG: Final = re.compile(r"<([A-Za-z][\w-]*)((?:[^<>\"']++|\"[^\"]{0,2000}\"|'[^']{0,2000}')*+)>")
_ATTRIBUTE: Final = re.compile(r"([^\s=/\"'>]+)(?:\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_HEADING_ID: Final = re.compile(r"\{#[\w:.-]+[ \t}]")
_HTML_CODE: Final = re.compile(r"<(pre|code|script|style|textarea)\b.*?</\1\s*+>", re.DOTALL | re.IGNORECASE)
_STYLE: Final = re.compile(r"<style\b[^>]*+>(.*?)</style", re.DOTALL | re.IGNORECASE)
_IMPORT: Final = re.compile(r"import[ \t]+(?:[^\n]{1,300}[ \t]from[ \t]+)?(['\"])[^'\"\n]+\1;?[ \t]*(?=\n|\Z)")
_INDENTED: Final = re.compile(r"\n(?:[ \t]*+\n)*+[ \t]++\S[^\n]*+")
_RST_SHOWN: Final = re.compile(r"\.\.[ \t]+(?:\w[\w:.+-]*::|\[|\||_)")
# Of these, what is not closed ends with its paragraph; all others hide to the end of the page.
_IN_A_LINE: Final = frozenset(
    {"p", "span", "a", "b", "i", "em", "strong", "small", "code", "li", "dt", "dd", "td", "th"}
)
# As in `run --format <object>`, whose author meant no element.
_SEEN_WHEN_UNCLOSED: Final = UNSEEN - {"script", "style", "template", "noscript"}
_MAX_TAG_CHARACTERS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Visible:
    """unclosed: the offset in the source of a comment without an end that hides the rest; None when there is none."""

    text: str
    unclosed: int | None = None


@dataclass(frozen=True, slots=True)
class _Cut:
    """source[start:end] is not shown, but instead is. to_the_end: because nothing ended it."""

    end: int
    instead: str = ""
    to_the_end: bool = False


def visible_markdown(source: str) -> Visible:
    return _visible(_Markdown(source), _IN_MARKDOWN)


def visible_templates(page: str) -> Visible:
    """A page of HTML without template tags and their comments; those in code stay."""
    if not _IN_HTML.search(page):
        return Visible(page)
    return _visible(_Html(page), _IN_HTML)


def _visible(source: "_Source", openers: re.Pattern[str]) -> Visible:
    text = source.text
    kept: list[str] = []
    position = copied = 0
    unclosed = None
    while (match := openers.search(text, position)) is not None:
        start = match.start()
        code_end = source.code_around(start)
        if code_end is not None:
            position = code_end
            continue
        cut = source.cut(match)
        if cut is None:
            position = match.end()
        elif isinstance(cut, int):
            position = cut  # what stands before it is code
        else:
            if cut.to_the_end:
                unclosed = start
            kept += (text[copied:start], cut.instead)
            position = copied = cut.end if cut.instead else _without_doubled_space(text, start, cut.end)
    return Visible("".join([*kept, text[copied:]]), unclosed) if copied else Visible(text)


def _without_doubled_space(text: str, start: int, end: int) -> int:
    """Of `a {{< x >}} b` one of the spaces goes with the tag."""
    return end + 1 if text[start - 1 : start] == " " and text[end : end + 1] == " " else end


class _Source:
    """A text, where code stands in it, and what an opener hides."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Where a mark was found last, looked for from where: a million openers before one end mark stay linear.
        self._found: dict[str, tuple[int, int]] = {}
        self._unmatched: dict[str, int] = {}

    @cached_property
    def code(self) -> Sequence[tuple[int, int]]:
        raise NotImplementedError

    def code_around(self, position: int) -> int | None:
        """The end of the code that the position stands in."""
        found = bisect_right(self._code_starts, position) - 1
        return self.code[found][1] if found >= 0 and position < self.code[found][1] else None

    @cached_property
    def _code_starts(self) -> list[int]:
        return [start for start, _ in self.code]

    def find(self, mark: str, start: int, end: int | None = None) -> int:
        """Where the mark is found next, -1 when it is not before ``end``."""
        since, found = self._found.get(mark, (0, -1))
        if not since <= start <= found:
            found = self.text.find(mark, start)
            found = found if found >= 0 else len(self.text)
            self._found[mark] = (start, found)
        return found if found < (len(self.text) if end is None else end) else -1

    def find_outside_code(self, pattern: re.Pattern[str], start: int) -> re.Match[str] | None:
        while (match := pattern.search(self.text, start)) is not None:
            code_end = self.code_around(match.start())
            if code_end is None:
                return match
            start = code_end
        return None

    def cut(self, match: re.Match[str]) -> _Cut | int | None:
        """What is hidden from the opener on; None: it opens nothing; a number: code ends there."""
        mark, start = match[0], match.start()
        if mark.startswith("{%"):
            return self._tag(start)
        if mark == "{#":
            return None if _HEADING_ID.match(self.text, start) else self._up_to("#}", start)
        if mark in ("{{<", "{{%"):
            return self._shortcode(start, mark)
        if mark == "{{!":
            return self._up_to("--}}" if self.text.startswith("--", start + 3) else "}}", start)
        return self._up_to("*/", start, closing="}}")

    def _up_to(self, mark: str, start: int, closing: str = "") -> _Cut | None:
        """closing: a brace that must follow the mark."""
        end = self.find(mark, start + 2)
        if end < 0:
            return None
        end += len(mark)
        if closing:
            end = self.find(closing, end, end + 20)
            end = end + len(closing) if end >= 0 else -1
        return _Cut(end) if end >= 0 else None

    def _tag(self, start: int) -> _Cut | int | None:
        """Of Liquid and Jinja: `{% comment %}` hides to its end, other tags go and leave their content."""
        is_closed = self.find("%}", start, start + _MAX_TAG_CHARACTERS) >= 0
        tag = END_OF_TAG.match(self.text, start) if is_closed else None
        if tag is None:
            return None
        until = verbatim_until(tag)
        if until is None:
            return _Cut(tag.end())
        end = self._matching_end(until, tag.end())
        return _Cut(len(self.text), to_the_end=True) if end < 0 else _Cut(end)

    def _matching_end(self, pattern: re.Pattern[str], start: int) -> int:
        """pattern: its group 1 holds `end` in the end tag; tags inside of each other are counted. -1: there is none."""
        if start >= self._unmatched.get(pattern.pattern, len(self.text) + 1):
            return -1
        open_tags = 1
        position = start
        while (match := self.find_outside_code(pattern, position)) is not None:
            position = match.end()
            open_tags += -1 if match[1] else 1
            if open_tags == 0:
                return position
        self._unmatched[pattern.pattern] = start
        return -1

    def _shortcode(self, start: int, mark: str) -> _Cut | None:
        """Of Hugo: the tags go, their content stays, a value given in the text is the text."""
        closing = ">}}" if mark == "{{<" else "%}}"
        end = self.find(closing, start + 3, start + _MAX_TAG_CHARACTERS)
        if end < 0:
            return None
        inside = self.text[start + 3 : end]
        end += len(closing)
        shown = shown_by_shortcode(inside, self.text[start - 2 : start], self._line_around(start, end))
        if shown.hidden_until is None:
            return _Cut(end, shown.text)
        after = self._matching_end(shown.hidden_until, end)
        return _Cut(after if after >= 0 else end)

    def _line_around(self, start: int, end: int) -> str:
        """The rest of the line that a tag stands in, as far as it matters."""
        before = self.text[max(0, start - 200) : start].rpartition("\n")[2]
        return (before + self.text[end : end + 200].partition("\n")[0]).strip()


class _Html(_Source):
    @cached_property
    def code(self) -> Sequence[tuple[int, int]]:
        return [match.span() for match in _HTML_CODE.finditer(self.text)]


class _Markdown(_Source):
    @cached_property
    def _starts(self) -> list[int]:
        return line_starts(self.text)

    def _ranges(self, *types: str) -> list[tuple[int, int]]:
        last = len(self._starts) - 1
        return [
            (self._starts[token.map[0]], self._starts[min(token.map[1], last)])
            for token in parsed(self.text)[0]
            if token.type in types and token.map is not None
        ]

    @cached_property
    def code(self) -> Sequence[tuple[int, int]]:
        return self._ranges("fence", "code_block")

    @cached_property
    def _html(self) -> list[tuple[int, int]]:
        return self._ranges("html_block")

    @cached_property
    def _edges(self) -> list[int]:
        """Where a block begins or ends, in order."""
        last = len(self._starts) - 1
        edges = {len(self.text)}
        for token in parsed(self.text)[0]:
            if token.map is not None:
                edges.update((self._starts[token.map[0]], self._starts[min(token.map[1], last)]))
        return sorted(edges)

    @cached_property
    def _rules(self) -> HidingRules:
        return HidingRules("\n".join(_STYLE.findall(self.text))) if "<style" in self.text.lower() else NO_RULES

    @cached_property
    def _backticks(self) -> dict[int, list[int]]:
        runs: dict[int, list[int]] = {}
        for match in re.finditer(r"`+", self.text):
            runs.setdefault(len(match[0]), []).append(match.start())
        return runs

    def _block_end(self, position: int) -> int:
        return self._edges[min(bisect_right(self._edges, position), len(self._edges) - 1)]

    def _is_in_html_block(self, position: int) -> bool:
        found = bisect_right(self._html, (position, len(self.text))) - 1
        return found >= 0 and position < self._html[found][1]

    def _begins_line(self, position: int) -> bool:
        """Quotation marks and white space before it do not count."""
        return not self.text[max(0, position - 40) : position].rpartition("\n")[2].strip("> \t")

    def _begins_block(self, position: int) -> bool:
        found = bisect_left(self._edges, position)
        return position == 0 or (found < len(self._edges) and self._edges[found] == position)

    def cut(self, match: re.Match[str]) -> _Cut | int | None:
        mark, start = match[0], match.start()
        for opener, cut in _OPENERS.items():
            if mark.startswith(opener):
                return cut(self, match)
        if mark == "[](":
            return self._empty_link(start)
        if "]:" in mark:
            return _Cut(self._end_of_definition(start)) if self._begins_line(start) else None
        if mark.startswith("{") and not mark.startswith(("{{", "{%", "{#")):
            return self._up_to("*/", start, closing="}") or _Cut(self._block_end(start))
        return super().cut(match)

    def escape(self, match: re.Match[str]) -> int:
        return match.end()

    def code_span(self, match: re.Match[str]) -> int | None:
        """The end of the code span that opens here. In a block of HTML a backtick is a character."""
        if self._is_in_html_block(match.start()):
            return None
        length = len(match[0])
        runs = self._backticks[length]
        following = bisect_right(runs, match.start())
        if following < len(runs) and runs[following] < self._block_end(match.start()):
            return runs[following] + length
        return match.end()

    def comment(self, match: re.Match[str]) -> _Cut:
        start = match.start()
        if self.text.startswith((">", "->"), start + 4):
            return _Cut(self.text.index(">", start) + 1)
        block_end = self._block_end(start)
        if self._is_in_html_block(start):
            end = self._end_of_comment(start, len(self.text))
            return _Cut(end) if end >= 0 else _Cut(len(self.text), to_the_end=True)
        end = self._end_of_comment(start, block_end)
        if end < 0:
            # Renderers show a comment that does not end in its paragraph; its author did not mean to.
            closing = self.find_outside_code(_COMMENT_MARK, start + 4)
            end = closing.end() if closing is not None and closing[0] == "-->" else block_end
        return _Cut(end)

    def _end_of_comment(self, start: int, limit: int) -> int:
        """After the first `-->`, and after those that close comments inside of this one; -1 when there is none."""
        end = self.find("-->", start + 4, limit)
        if end < 0:
            return -1
        end += 3
        inside = self.text.count("<!--", start + 4, end)
        while inside > 0:
            following = _COMMENT_MARK.search(self.text, end, limit)
            if following is None or following[0] != "-->":
                break
            end = following.end()
            inside -= 1
        return end

    def instruction(self, match: re.Match[str]) -> _Cut | None:
        """`<?php ... ?>` and its relatives. A program without an end hides the rest, or its paragraph within a line."""
        start = match.start()
        is_block = self._is_in_html_block(start)
        is_program = is_block or self.text.startswith(("php", "="), match.end())
        end = self.find("?>", match.end(), None if is_program else self._block_end(start))
        if end >= 0:
            return _Cut(end + 2)
        if is_block:
            return _Cut(len(self.text), to_the_end=True)
        return _Cut(self._block_end(start)) if is_program else None

    def element(self, match: re.Match[str]) -> _Cut | int | None:
        """A hidden element goes with all that it holds."""
        tag = _TAG.match(self.text, match.start())
        if tag is None:
            return None
        name = tag[1].lower()
        attributes = {found[0].lower(): found[1] or found[2] or found[3] for found in _ATTRIBUTE.findall(tag[2])}
        if name not in UNSEEN and not is_hidden(name, attributes, self._rules):
            return tag.end()
        if name in VOID or tag[2].endswith("/"):
            return _Cut(tag.end())
        end = self._matching_end(re.compile(rf"<(/?){re.escape(name)}\b[^>]*+>", re.IGNORECASE), tag.end())
        return _Cut(end) if end >= 0 else self._unclosed(name, tag)

    def _unclosed(self, name: str, tag: re.Match[str]) -> _Cut | int:
        if name in _SEEN_WHEN_UNCLOSED:
            return tag.end()
        if name in _IN_A_LINE:
            return _Cut(self._block_end(tag.start()))
        return _Cut(len(self.text), to_the_end=True)

    def obsidian(self, match: re.Match[str]) -> _Cut | None:
        before = self.text[match.start() - 1 : match.start()]
        if before.isdigit() or before == "%" or self.text.startswith("%", match.end()):
            return None
        end = self.find("%%", match.end())
        if end >= 0:
            return _Cut(end + 2)
        if self._begins_block(match.start()):
            return _Cut(len(self.text), to_the_end=True)
        return None

    def kramdown(self, match: re.Match[str]) -> _Cut | None:
        end = self.find("}", match.end(), match.end() + _MAX_TAG_CHARACTERS)
        if end < 0:
            return None
        if not self.text.startswith("comment", match.end()) or self.text[end - 1] == "/":
            return _Cut(end + 1)
        closing = self.find("{:/", end)
        after = self.find("}", closing) if closing >= 0 else -1
        return _Cut(after + 1) if after >= 0 else _Cut(len(self.text), to_the_end=True)

    def line_comment(self, match: re.Match[str]) -> _Cut | None:
        """MyST: lines that begin with a percent sign, where a paragraph would."""
        if not self._begins_block(match.start()):
            return None
        end = self._line_end(match.start())
        while self.text.startswith("\n%", end):
            end = self._line_end(end + 1)
        return _Cut(end)

    def rst_comment(self, match: re.Match[str]) -> _Cut | None:
        """Two dots and no directive, with the indented lines below."""
        if not self._begins_block(match.start()) or _RST_SHOWN.match(self.text, match.start()):
            return None
        end = self._line_end(match.start())
        while (indented := _INDENTED.match(self.text, end)) is not None:
            end = indented.end()
        return _Cut(end)

    def module_import(self, match: re.Match[str]) -> _Cut | None:
        """A line of MDX that brings in a component."""
        found = _IMPORT.match(self.text, match.start()) if self._begins_line(match.start()) else None
        return _Cut(found.end()) if found else None

    def _empty_link(self, start: int) -> _Cut | None:
        """A link without words shows nothing: some write comments so. A picture has a mark before it."""
        if self.text[start - 1 : start] == "!":
            return None
        end = self.find(")", start, self._line_end(start))
        return _Cut(end + 1) if end >= 0 else None

    def _line_end(self, position: int) -> int:
        found = self.text.find("\n", position)
        return found if found >= 0 else len(self.text)

    def _end_of_definition(self, start: int) -> int:
        """Of `[//]: # (a comment)`, whose parenthesis may close some lines below."""
        end = self._line_end(start)
        rest = self.text[self.text.index("]:", start) + 2 : end].strip()
        opening = re.match(r"(?:\S+\s+)?([(\"'])", rest)
        if opening is None or (len(rest) > opening.end() and rest.endswith(_CLOSING[opening[1]])):
            return end
        paragraph_end = self.find("\n\n", end)
        closing = self.text.find(_CLOSING[opening[1]] + "\n", end, paragraph_end + 1 if paragraph_end >= 0 else None)
        if closing >= 0:
            return closing + 1
        return paragraph_end if paragraph_end >= 0 else len(self.text)


_CLOSING: Final = {"(": ")", '"': '"', "'": "'"}
_OPENERS: Final[Mapping[str, Callable[[_Markdown, re.Match[str]], _Cut | int | None]]] = {
    "\\": _Markdown.escape,
    "`": _Markdown.code_span,
    "<!--": _Markdown.comment,
    "<?": _Markdown.instruction,
    "<": _Markdown.element,
    "%%": _Markdown.obsidian,
    "%": _Markdown.line_comment,
    "{::": _Markdown.kramdown,
    "..": _Markdown.rst_comment,
    "import": _Markdown.module_import,
}
