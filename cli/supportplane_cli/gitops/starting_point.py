"""A track to the files of a team's own repository. Decides only: the command writes them."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from supportplane_cli.errors import WrongUsage
from supportplane_cli.gitops.components import PLATFORM, Component, read_components
from supportplane_cli.gitops.tracks import COMMON, LAPTOP_FOLDER, Track

# The address that stands in the trees until a team writes its own.
REPOSITORY = "https://git.example.com/acme/support.git"
NONE = "none"
_DEFINITIONS = "crds/*.supportplane.io.yaml"
_BOOTSTRAP = "clusters/bootstrap/kustomization.yaml"
_PROJECT = "clusters/bootstrap/projects/platform.yaml"
_WORKFLOWS = "clusters/workflows"
WORKFLOWS = PurePosixPath(".github/workflows")  # where GitHub, Gitea and Forgejo look
_EDGE = "shared"  # needs the Gateway API and cert-manager


@dataclass(frozen=True, slots=True)
class Wanted:
    """repository: address of the team's own. components: the flag as it was given; None for the track's own."""

    track: Track
    repository: str = REPOSITORY
    components: str | None = None


def files_of(wanted: Wanted, root: Path) -> dict[PurePosixPath, bytes]:
    """Path below the team's folder -> content. Raises WrongUsage for a component that there is not."""
    if not wanted.track.clusters:
        folder = root / LAPTOP_FOLDER
        return {PurePosixPath(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}
    parts = chosen(wanted, read_components(root))
    found = {path: (root / path).read_bytes() for path in _paths(wanted.track, [each.name for each in parts], root)}
    found |= {WORKFLOWS / path.name: path.read_bytes() for path in _files(root / _WORKFLOWS)}
    return {path: _adapted(path, content, wanted, parts) for path, content in sorted(found.items())}


def chosen(wanted: Wanted, known: tuple[Component, ...]) -> tuple[Component, ...]:
    """Parts of the tree itself always come along; the edge only with parts of others that it is made of."""
    names = {each.name for each in known}
    if wanted.components is None:
        asked = names if wanted.track.parts is None else set(wanted.track.parts)
    else:
        asked = set() if wanted.components == NONE else {each.strip() for each in wanted.components.split(",")}
        own = {each.name for each in known if each.is_of_the_tree and each.name != _EDGE}
        asked |= own
    unknown = sorted(asked - names)
    if unknown:
        raise WrongUsage(f"there is no component {unknown[0]}", hint=f"{NONE}, or some of: {', '.join(sorted(names))}")
    return tuple(each for each in known if each.name in asked)


def _paths(track: Track, parts: Collection[str], root: Path) -> Iterator[PurePosixPath]:
    clusters = [f"clusters/{name}" for name in track.clusters]
    platform = [str(PLATFORM / name) for name in parts]
    for name in (*COMMON, *track.folders, *clusters, *platform):
        place = root / name
        yield from (PurePosixPath(path.relative_to(root)) for path in ([place] if place.is_file() else _files(place)))
    yield from (PurePosixPath(path.relative_to(root)) for path in root.glob(_DEFINITIONS))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".DS_Store")


def _adapted(path: PurePosixPath, content: bytes, wanted: Wanted, parts: tuple[Component, ...]) -> bytes:
    text = content.decode("utf-8")
    if str(path) == _BOOTSTRAP:
        text = without_other_clusters(text, wanted.track.clusters)
    if str(path) == _PROJECT:
        text = without_other_sources(text, {REPOSITORY, *(each.repository for each in parts if each.repository)})
    return text.replace(REPOSITORY, wanted.repository).encode("utf-8")


def without_other_clusters(text: str, clusters: Collection[str]) -> str:
    """The lines `- ../<cluster>` of other clusters are left out."""
    named = re.compile(r"- \.\./([a-z0-9-]+)$")
    return _kept(text, lambda line: (found := named.fullmatch(line)) is None or found[1] in clusters)


def without_other_sources(text: str, sources: Collection[str]) -> str:
    """The project admits only what the parts come from."""
    named = re.compile(r"  - (https://\S+)")
    return _kept(text, lambda line: (found := named.fullmatch(line)) is None or found[1] in sources)


def _kept(text: str, wanted: Callable[[str], bool]) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if wanted(line.rstrip("\n")))
