"""What stands between two rules at the top of a Markdown file, for the readers; pure."""

import re

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)


def without_front_matter(text: str) -> tuple[str, str]:
    """(title, text below the front matter); the title is empty when there is none."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return "", text
    try:
        front_matter = YAML(typ="safe").load(match[1] or "") or {}
    except YAMLError:
        # Two rules around prose look like front matter; then it is text.
        return "", text
    if not isinstance(front_matter, dict):
        return "", text
    return str(front_matter.get("title") or "").strip(), text[match.end() :]
