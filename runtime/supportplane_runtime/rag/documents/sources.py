"""Each source of a KnowledgeBase read by itself, so that the other sources are read when one is gone.

Called by the `knowledge` role and by `supportplane validate`. reading.py reads; here is told apart what a whole source
lacks, what one file lacks, and what lies in a folder that no pattern selects.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from supportplane_crds.knowledge_base import KnowledgeBaseSpec, KnowledgeSource
from supportplane_runtime.domain.knowledge import Chunk, Document
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.rag.documents.reading import Reading, Skipped, read_knowledge_base


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that gave no document because there is none to read, and why: a sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unselected:
    """Files in a source's folder that no pattern of `include` selects, counted by suffix, the most first."""

    source: str
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SourcesRead:
    reading: Reading
    unread: tuple[Unread, ...]
    unselected: tuple[Unselected, ...]


def read_sources(spec: KnowledgeBaseSpec, folder: Path) -> SourcesRead:
    """folder: of the YAML file, which paths are relative to."""
    documents: list[Document] = []
    skipped: list[Skipped] = []
    chunks: dict[str, tuple[Chunk, ...]] = {}
    unread: list[Unread] = []
    for source in spec.sources:
        try:
            found = read_knowledge_base(spec.model_copy(update={"sources": (source,)}), folder)
        except InvalidRequest as problem:
            unread.append(Unread(source.name, problem.detail))
        else:
            documents += found.documents
            skipped += found.skipped
            chunks |= found.chunks
    reading = Reading(tuple(documents), tuple(skipped), chunks)
    return SourcesRead(reading, tuple(unread), tuple(_unselected(spec, folder)))


def _unselected(spec: KnowledgeBaseSpec, folder: Path) -> Iterator[Unselected]:
    for source in spec.sources:
        root = folder / source.path if source.path else None
        if root is not None and root.is_dir():
            counted = Counter(PurePosixPath(name).suffix or "without a suffix" for name in _unwanted(root, source))
            if counted:
                yield Unselected(source.name, tuple(counted.most_common()))


def _unwanted(root: Path, source: KnowledgeSource) -> Iterator[str]:
    """Names below root that neither include nor exclude speaks of; hidden files are never documents."""
    include, exclude = (
        GitIgnoreSpec.from_lines(f"/{glob}" for glob in globs) for globs in (source.include, source.exclude)
    )
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            name = (Path(folder) / file).relative_to(root).as_posix()
            if not file.startswith(".") and not include.match_file(name) and not exclude.match_file(name):
                yield name
