"""The files of a KnowledgeBase's sources, or the rows of a kb.jsonl, to Documents; called before ingest.py.

What cannot be read is never left out silently: it comes back by name with its reason, whatever the reason is. A source
that is not there at all is an error, because going on would delete everything that was indexed from it. Links that lead
out of a source's folder are not followed, and hidden files are not documents. Files are read in a process of their own.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from pathspec import GitIgnoreSpec

from supportplane_crds.knowledge_base import KnowledgeBaseSpec, KnowledgeSource
from supportplane_crds.names import KNOWLEDGE_DIR
from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.rag.documents.links import Site
from supportplane_runtime.rag.documents.reader_process import ReadDocument, ReaderProcess, Request
from supportplane_runtime.rag.documents.text import MAX_TITLE_CHARACTERS, Unreadable, as_title, cleaned

# A guess: a book has about 1 MB, and a larger file is mostly a log or a dump that got among the documents.
MAX_FILE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or row that was not read, and why: a sentence for the author of the file."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """chunks: of the documents that were cut when they were read, by document id.

    A document can be among the skipped too, with the reason why only its beginning was read.
    """

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]
    chunks: Mapping[str, tuple[Chunk, ...]] = field(default_factory=dict)


def read_knowledge_base(spec: KnowledgeBaseSpec, folder: Path) -> Reading:
    """Everything the sources select. folder: of the YAML file, which paths are relative to.

    Raises InvalidRequest when a source's path does not exist or its patterns select no file there.
    """
    with ReaderProcess() as reader:
        return _reading(
            each for source in spec.sources for each in _source_documents(source, folder, spec.language, reader)
        )


def read_jsonl(path: Path, language: str = "en") -> Reading:
    """Rows of `id`, `title`, `text`, `source`, one a line. Raises InvalidRequest when there is no such file."""
    if not path.is_file():
        raise InvalidRequest(f"{path} does not exist: documents to retrieve from are expected in kb.jsonl")
    return _reading(_row_documents(path, language))


def _reading(found: Iterable[ReadDocument | Document | Skipped]) -> Reading:
    everything = list(found)
    read = [each for each in everything if isinstance(each, ReadDocument)]
    return Reading(
        documents=tuple(
            each.document if isinstance(each, ReadDocument) else each
            for each in everything
            if not isinstance(each, Skipped)
        ),
        skipped=tuple(each for each in everything if isinstance(each, Skipped)),
        chunks={each.document.document_id: each.chunks for each in read},
    )


def _source_documents(
    source: KnowledgeSource, folder: Path, language: str, reader: ReaderProcess
) -> Iterator[ReadDocument | Skipped]:
    if source.path is None:
        raise InvalidRequest(f"knowledge source {source.name!r} has no path: the operator makes one of it on a cluster")
    root = (folder / source.path).resolve()
    if not root.exists():
        raise InvalidRequest(
            f"knowledge source {source.name!r}: {root} does not exist; its path starts at the YAML file"
        )
    unread: list[Skipped] = []
    names = [root.name] if root.is_file() else list(_selected(root, source, unread))
    if not names and not unread:
        raise InvalidRequest(f"knowledge source {source.name!r}: no file below {root} matches its include patterns")
    yield from unread
    base = root.parent if root.is_file() else root
    for name in names:
        request = Request(
            name=_storable(name),
            document_id=f"{source.name}/{_storable(name)}",
            url=_storable(_url(source, name, root)),
            language=language,
            today=datetime.now(tz=UTC).date().isoformat(),
            site=_site(source, name),
        )
        yield from _read_file(base / name, base, request, reader)


def _read_file(path: Path, base: Path, request: Request, reader: ReaderProcess) -> Iterator[ReadDocument | Skipped]:
    try:
        found = reader.read(request, _file_content(path, base))
    except Unreadable as problem:
        yield Skipped(request.document_id, str(problem))
        return
    yield found
    if found.unclosed_line is not None:
        reason = f"is read up to line {found.unclosed_line} only: the comment that begins there has no end"
        yield Skipped(request.document_id, reason)


def _storable(name: str) -> str:
    """A file's name may hold bytes that are no UTF-8, which no index stores: they are written as numbers."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _selected(root: Path, source: KnowledgeSource, unread: list[Skipped]) -> Iterator[str]:
    """Names below root, sorted, that include selects and exclude does not; the patterns start at root.

    unread: takes the folders that cannot be walked, and the links to folders, which are not followed.
    """
    include, exclude = (
        GitIgnoreSpec.from_lines(f"/{glob}" for glob in globs) for globs in (source.include, source.exclude)
    )

    def name_folder(path: Path, reason: str) -> None:
        name = f"{path.relative_to(root).as_posix()}/"
        if not exclude.match_file(name) and not exclude.match_file(f"{name}any file"):
            unread.append(Skipped(f"{source.name}/{_storable(name)}", reason))

    def name_unreadable(problem: OSError) -> None:
        name_folder(Path(problem.filename), f"cannot be read: {problem.strerror}")

    for folder, folders, files in os.walk(root, onerror=name_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for linked in (Path(folder) / name for name in folders if (Path(folder) / name).is_symlink()):
            name_folder(linked, "is a link to a folder, which is not followed; put the folder itself there")
        for file in sorted(files):
            name = (Path(folder) / file).relative_to(root).as_posix()
            if not file.startswith(".") and include.match_file(name) and not exclude.match_file(name):
                yield name


def _file_content(path: Path, base: Path) -> bytes:
    try:
        if not path.resolve().is_relative_to(base):
            raise Unreadable("is a link that leads out of the source's folder; put the file itself there")
        if not path.is_file():
            raise Unreadable("is not a file that can be read: a broken link, a socket or a device")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            size_bytes = max(path.stat().st_size, len(content))
            raise Unreadable(f"has {size_bytes:,} bytes, more than the {MAX_FILE_BYTES:,} that are read; split it")
    except OSError as problem:
        raise Unreadable(f"cannot be read: {problem.strerror}") from problem
    except RuntimeError as problem:  # Python 3.11 and 3.12 say so of links in a circle
        raise Unreadable("is a link that leads to itself") from problem
    return content


def _site(source: KnowledgeSource, name: str) -> Site | None:
    return Site(source.base_url, source.link_suffix, quote(os.fsencode(name))) if source.base_url else None


def _url(source: KnowledgeSource, name: str, root: Path) -> str:
    """What a citation of a file that is on no site shows: its path as the YAML file writes it.

    Visitors see it, so nothing of the machine may stand in it: what lies outside of the YAML file's folder is named by
    its source.
    """
    written = PurePosixPath(source.path or "")
    if written.is_relative_to(KNOWLEDGE_DIR):  # where a pod mounts it says nothing to a reader
        written = written.relative_to(KNOWLEDGE_DIR)
    if written.is_absolute() or {"..", "~"} & set(written.parts):
        return name if root.is_file() else f"{source.name}/{name}"
    return str(written if root.is_file() else written / name)


def _row_documents(path: Path, language: str) -> Iterator[Document | Skipped]:
    seen: set[str] = set()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                document = _row_document(line, seen, language)
            except Unreadable as problem:
                yield Skipped(f"{path.name}:{number}", str(problem))
                continue
            seen.add(document.document_id)
            yield document


def _row_document(line: bytes, seen: set[str], language: str) -> Document:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as problem:  # ValueError: no UTF-8, no JSON, a number of 5,000 digits
        raise Unreadable(f"is not JSON: {problem}") from problem
    if not isinstance(row, dict):
        raise Unreadable("is not a JSON object")
    texts = {key: _text(row, key) for key in ("id", "title", "text", "source")}
    if not texts["id"] or not texts["text"].strip():
        raise Unreadable("needs an `id` and a `text` that are not empty")
    if texts["id"] in seen:
        raise Unreadable(f"has the id {texts['id']!r} of an earlier row")
    title = texts["title"] if len(texts["title"]) <= MAX_TITLE_CHARACTERS else as_title(texts["title"])
    return Document(texts["id"], title, texts["text"], texts["source"], language)


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key) or ""
    if not isinstance(value, str):
        raise Unreadable(f"has a `{key}` that is not a string")
    return cleaned(value)
