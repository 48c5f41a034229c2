"""Where the pages of a source stand on the web: file and front matter to a URL, heading to an anchor; pure, ADR 0031.

Called by the reader process, which knows the front matter. A citation's link comes from here, and nothing else does.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote, urlsplit

from supportplane_runtime.rag.documents.blocks import Heading

_INDEXES: Final = frozenset({"index", "_index", "readme"})
_PAGES: Final = frozenset({".md", ".mdx", ".markdown", ".html", ".htm", ".xhtml"})
_MARKDOWN: Final = frozenset({".md", ".mdx", ".markdown"})
# A repository shows files as they are named, whatever a site generator would make of them.
_REPOSITORY: Final = re.compile(r"/(?:blob|tree|src|raw)/")
# Templates of generators (`/:year/:title`, `{{ page.fileSlug }}`), and addresses elsewhere.
_NO_PATH: Final = re.compile(r"[:{}<>\\?#\s\x00-\x1f]|(?:^|/)\.\.?(?:/|$)|//")
_OWN_ID: Final = re.compile(r"\s*\{#([\w.:-]+)\}$")
_NOT_IN_ANCHOR: Final = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Site:
    """base_url: of the source. suffix: its linkSuffix, None when files are published under their own names. path: of
    the file below the source, ready for a URL.
    """

    base_url: str
    suffix: str | None
    path: str


def page_url(site: Site, fields: Mapping[str, str]) -> str:
    """fields: of the front matter; its `slug`, `permalink` or `url` says where the page stands, but in a repository."""
    base = site.base_url.rstrip("/")
    if _REPOSITORY.search(f"{base}/"):
        return f"{base}/{site.path}"
    own = _own_path(site, fields)
    below = _published(site) if own is None else own
    root = urlsplit(base)
    # A generator whose site begins above baseURL writes the whole path.
    if root.path and f"/{below}".startswith(f"{root.path}/"):
        return f"{root.scheme}://{root.netloc}/{below}"
    return f"{base}/{below}"


def _own_path(site: Site, fields: Mapping[str, str]) -> str | None:
    """Without a leading slash, as the author of the page wrote it; a name alone stands in the file's folder."""
    for key in ("slug", "permalink", "url"):
        written = fields.get(key, "").strip()
        if not written or _NO_PATH.search(written) or (key == "url" and not written.startswith("/")):
            continue
        path = quote(written, safe="/%@-._~!$&'()*+,;=")
        if not path.startswith("/"):
            folder = str(PurePosixPath(site.path).parent)
            path = path if folder == "." else f"{folder}/{path}"
        return _ended(path.lstrip("/"), site.suffix if key == "slug" else None)
    return None


def _published(site: Site) -> str:
    path = PurePosixPath(site.path)
    if site.suffix is None or path.suffix.lower() not in _PAGES:
        return site.path
    if path.stem.lower() not in _INDEXES:
        return _ended(str(path.with_suffix("")), site.suffix)
    folder = "" if str(path.parent) == "." else str(path.parent)
    if site.suffix not in ("", "/"):
        return f"{folder}/index{site.suffix}".lstrip("/")
    return _ended(folder, site.suffix) if folder else ""


def _ended(path: str, suffix: str | None) -> str:
    return path if not suffix or not path or path.endswith(("/", suffix)) else f"{path}{suffix}"


def has_anchors(site: Site) -> bool:
    """Headings of Markdown get their anchors by GitHub's rule in most generators; those of HTML are not known here."""
    return PurePosixPath(site.path).suffix.lower() in _MARKDOWN


def anchors(headings: Iterable[Heading]) -> dict[int, str]:
    """Serial -> anchor, of all headings of a document in their order: the second `Setup` is `setup-1`."""
    found: dict[int, str] = {}
    times: Counter[str] = Counter()
    for heading in headings:
        own = _OWN_ID.search(heading.title)
        anchor = own[1] if own else _NOT_IN_ANCHOR.sub("", heading.title.lower()).strip().replace(" ", "-")
        found[heading.serial] = f"{anchor}-{times[anchor]}" if times[anchor] else anchor
        times[anchor] += 1
    return found


def without_id(heading: str) -> str:
    """A heading's words without the id that some generators let authors write behind them, as in `Set up {#setup}`."""
    return _OWN_ID.sub("", heading)
