"""Which fields of a file mean something on a cluster only: marked where they are declared, found here.

``supportplane up`` says which of them are set and have no effect, and refuses what it cannot do without a cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from supportplane_crds.documents import Path, render_path


@dataclass(frozen=True, slots=True)
class ClusterOnly:
    """Annotation of a field. is_needed: a laptop cannot use the object at all, rather than do without the field."""

    is_needed: bool = False


CLUSTER_ONLY: Final = ClusterOnly()
NEEDS_CLUSTER: Final = ClusterOnly(is_needed=True)


def fields_without_effect(item: BaseModel) -> tuple[str, ...]:
    """Paths of set fields that a laptop does without, such as spec.scaling."""
    return tuple(render_path(path) for path, mark in _marked(item, ()) if not mark.is_needed)


def fields_that_need_a_cluster(item: BaseModel) -> tuple[str, ...]:
    """Paths of set fields that make an object unusable on a laptop, such as spec.serving."""
    return tuple(render_path(path) for path, mark in _marked(item, ()) if mark.is_needed)


def _marked(value: Any, path: Path) -> Iterator[tuple[Path, ClusterOnly]]:
    """The outermost marked fields that the file sets."""
    if isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from _marked(entry, (*path, index))
    if not isinstance(value, BaseModel):
        return
    for name, info in type(value).model_fields.items():
        if name not in value.model_fields_set:
            continue
        here = (*path, info.alias or name)
        mark = next((part for part in info.metadata if isinstance(part, ClusterOnly)), None)
        if mark is not None:
            yield here, mark
        else:
            yield from _marked(getattr(value, name), here)
