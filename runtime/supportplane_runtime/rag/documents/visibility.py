"""Which elements of a page its readers do not see, by attribute, inline style or a rule of the page; pure.

Honoured are `hidden` in every spelling, `display: none` and `visibility: hidden`. `aria-hidden` hides from screen
readers only, and `details` opens at a click: both are seen. Which rules count: style_rules.py.
"""

from collections.abc import Mapping
from typing import Final

from supportplane_runtime.rag.documents.style_rules import HidingRules, hides

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


def is_hidden(name: str, attributes: Mapping[str, str], rules: HidingRules) -> bool:
    """By itself or by a rule, where what stands around the element is not known."""
    own = hides_itself(name, attributes)
    return own if own is not None else bool(rules) and rules.matched(name, attributes, None)[1]


def hides_itself(name: str, attributes: Mapping[str, str]) -> bool | None:
    """None: the rules of the page decide. An own style wins over them, as in a browser."""
    if "hidden" in attributes or (name == "dialog" and "open" not in attributes):
        return True
    return hides(attributes["style"]) if "style" in attributes else None
