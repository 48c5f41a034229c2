"""What template tags show: Liquid and Jinja (`{% tag %}`), shortcodes of Hugo; pure, called by hidden.py."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

END_OF_TAG: Final = re.compile(r"\{%-?\s*+(#|\w*+)([^%]*+(?:%(?!\})[^%]*+)*+)%\}")
# Blocks whose content is not text of the page.
_HIDING_BLOCKS: Final = {"comment", "schema", "javascript", "stylesheet", "doc", "style"}
_HIDING_SHORTCODES: Final = {"comment", "hide", "hidden"}
_NEVER: Final = re.compile(r"\s+(?:false|nil|0)\s*-?\Z", re.IGNORECASE)
_ARGUMENT: Final = re.compile(r"""\s*([\w./-]+)\s+(?:"([^"]*)"|`([^`]*)`)\s*\Z""")
# Their value is a place or a key, not words.
_VALUE_IS_NO_TEXT: Final = {
    "figure", "gist", "icon", "img", "include", "instagram", "param", "partial", "readfile", "ref", "relref", "tweet",
    "vimeo", "x", "youtube",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands in place of a shortcode. hidden_until: finds the end tag, when what lies between is hidden too."""

    text: str = ""
    hidden_until: re.Pattern[str] | None = None


def verbatim_until(tag: re.Match[str]) -> re.Pattern[str] | None:
    """Finds the tags of a Liquid or Jinja block that hides its content; None for any other tag."""
    name = tag[1]
    if name in _HIDING_BLOCKS or (name == "if" and _NEVER.match(tag[2])):
        return _block_tags(name)
    return None


@cache
def _block_tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"\{{%-?\s*(end)?{name}\b[^%]*?%\}}")


def shown_by_shortcode(inside: str, before: str, line: str) -> Shown:
    """inside: between the braces. before: the two characters before. line: the rest of the line that the tag is in."""
    if inside.startswith("/*"):
        # Written `{{</* name */>}}` to be shown as it is.
        return Shown(f"{{{{< {inside.strip('/* ')} >}}}}")
    name = inside.strip().partition(" ")[0].lower()
    if name in _HIDING_SHORTCODES and not inside.rstrip().endswith("/"):
        return Shown(hidden_until=_shortcode_tags(name))
    argument = _ARGUMENT.match(inside)
    if argument is None:
        return Shown()
    value = argument[2] or argument[3] or ""
    if before == "](":
        return Shown(value)
    # On a line of its own it is a picture, a film or a table of contents.
    return Shown(value if line and name not in _VALUE_IS_NO_TEXT else "")


@cache
def _shortcode_tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"\{{\{{[<%]\s*(/)?\s*{name}\b[^}}]*\}}\}}")
