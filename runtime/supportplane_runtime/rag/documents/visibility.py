"""Which elements of a page its readers do not see, by attribute, inline style or a simple rule of the page; pure.

Honoured are `hidden` in every spelling, `display: none` and `visibility: hidden`. `aria-hidden` hides from screen
readers only, and `details` opens at a click: both are seen. Rules count when they name one tag, class or id outside of
an at-rule, because anything else depends on the window or on scripts.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

# Elements whose content is never text of the page: programs, alternatives, and what a visitor fills in.
UNSEEN: Final = frozenset(
    {
        "audio",
        "button",
        "canvas",
        "datalist",
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "object",
        "option",
        "rp",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
    }
)
VOID: Final = frozenset(
    {
        "area",
        "base",
        "basefont",
        "bgsound",
        "br",
        "col",
        "embed",
        "frame",
        "hr",
        "img",
        "input",
        "keygen",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    }
)
_CSS_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_IMPORTANT: Final = re.compile(r"!\s*important\s*$")
_SIMPLE: Final = re.compile(r"(?:[a-z][\w-]*|\*)?(?:[.#][\w-]+)?|\[hidden\]", re.IGNORECASE)
# Of a style sheet this much is looked at; a page seldom holds more than 50 KB of its own.
_MAX_CSS_CHARACTERS: Final = 200_000


def is_hidden(name: str, attributes: Mapping[str, str], rules: Mapping[str, bool]) -> bool:
    """rules: see hiding_rules. An own style wins over the rules, as in a browser."""
    if "hidden" in attributes or (name == "dialog" and "open" not in attributes):
        return True
    own = hides(attributes["style"]) if "style" in attributes else None
    if own is not None:
        return own
    return bool(rules) and any(rules.get(selector, False) for selector in _selectors(name, attributes))


def _selectors(name: str, attributes: Mapping[str, str]) -> Iterator[str]:
    yield name
    marks = [f".{each}" for each in attributes.get("class", "").split()[:20]]
    if attributes.get("id"):
        marks.append(f"#{attributes['id'].strip()}")
    for mark in marks:
        yield mark
        yield f"{name}{mark}"


def hides(declarations: str) -> bool | None:
    """Whether a style keeps its element from being seen; None when it says nothing about that."""
    hidden: bool | None = None
    text = _CSS_ESCAPE.sub(_unescaped, _CSS_COMMENT.sub(" ", declarations))
    for declaration in text.split(";"):
        key, _, value = declaration.partition(":")
        value = _IMPORTANT.sub("", value.strip().lower()).strip()
        match key.strip().lower():
            case "display":
                hidden = value == "none" or bool(hidden)
            case "visibility" | "content-visibility":
                hidden = value in ("hidden", "collapse") or bool(hidden)
    return hidden


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0xD800 else ""


def hiding_rules(css: str) -> dict[str, bool]:
    """Simple selector -> whether its elements are hidden, where a rule says so; the last rule of a selector wins."""
    rules: dict[str, bool] = {}
    for selectors, declarations in _top_level_rules(_CSS_COMMENT.sub(" ", css[:_MAX_CSS_CHARACTERS])):
        hidden = hides(declarations)
        if hidden is None:
            continue
        for selector in selectors.split(","):
            if selector.strip() and _SIMPLE.fullmatch(selector.strip()):
                rules[selector.strip().lstrip("*")] = hidden
    # A page that hides its body shows it again by script.
    return {selector: hidden for selector, hidden in rules.items() if selector not in ("", "html", "body")}


def _top_level_rules(css: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of every rule that stands in no at-rule."""
    depth, start, selectors = 0, 0, ""
    for match in re.finditer(r"[{};]", css):
        if match[0] == "{":
            if depth == 0:
                selectors, start = css[start : match.start()], match.end()
            depth += 1
        elif match[0] == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if not selectors.lstrip().startswith("@"):
                    yield selectors, css[start : match.start()]
                start = match.end()
        elif depth == 0:
            start = match.end()  # @import and @charset end with a semicolon
