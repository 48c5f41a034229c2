"""Where a quoted passage stands, and where the links in it lead for somebody who reads it elsewhere; pure, ADR 0031.

Called by nodes/verify.py for what an answer says. The quotes of sources stay verbatim: they are the proof.
"""

import re
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urljoin, urlsplit

from supportplane_runtime.domain.knowledge import Chunk

_OWN_ID: Final = re.compile(r"\s*\{#[\w.:-]+\}$")
_LINK: Final = re.compile(
    r"(?P<code>(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))"
    r"|!\[(?P<picture>[^\[\]]*)\]\([^()]*(?:\([^()]*\)[^()]*)*\)"
    r"|\[(?P<label>(?:!\[[^\[\]]*\]\([^()]*\)|[^\[\]])+)\]"
    r"\(\s*<?(?P<target>[^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+[\"'][^)]*[\"'])?\s*\)",
    re.DOTALL,
)
_ELSEWHERE: Final = ("http://", "https://", "mailto:", "tel:")


def headings(chunk: Chunk) -> tuple[str, ...]:
    """Above the passage, without the title of the document and without ids such as `{#setup}`."""
    words = tuple(_OWN_ID.sub("", heading) for heading in chunk.heading_path)
    return words[1:] if words[:1] == (chunk.title,) else words


def readable_elsewhere(text: str, page: str) -> str:
    """A link relative to the page becomes whole, or its words when nobody knows where it leads; an image its words."""

    def written(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        if found["picture"] is not None:
            return found["picture"]
        label = _LINK.sub(written, found["label"]) if "![" in found["label"] else found["label"]
        if found["target"].lower().startswith(_ELSEWHERE):
            return found[0] if label == found["label"] else f"[{label}]({found['target']})"
        target = _whole(found["target"], page)
        return f"[{label}]({target})" if target else label

    return _LINK.sub(written, text) if "](" in text else text


def _whole(target: str, page: str) -> str | None:
    """As a browser on that page follows it. A link to a file is followed only from a page that is such a file."""
    if not page.startswith(("http://", "https://")) or not target:
        return None
    try:
        wanted = urlsplit(target)
        suffix = PurePosixPath(wanted.path).suffix
        if wanted.scheme or (suffix and not urlsplit(page).path.endswith(suffix)):
            return None
        return urljoin(page.partition("#")[0], target)
    except ValueError:  # no address at all, such as //[
        return None
