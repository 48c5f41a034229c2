"""Overlays of agents, found and built by kustomize, which is a program of its own or a part of kubectl."""

import shutil
import subprocess
from pathlib import Path

from supportplane_cli.errors import CommandFailed

_PROGRAMS = (("kustomize", "build"), ("kubectl", "kustomize"))


def overlays(root: Path) -> tuple[str, ...]:
    """What clusters run, such as clusters/main/agents/dev, below the root."""
    found = root.glob("clusters/*/agents/*/kustomization.yaml")
    return tuple(sorted(str(path.parent.relative_to(root)) for path in found))


def build(root: Path, overlay: str) -> str:
    """Its objects as YAML. Raises CommandFailed with the program's words, in which the folder is left out."""
    program, verb = _program()
    done = subprocess.run([program, verb, str(root / overlay)], capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).replace(str(root.resolve()), "").replace(str(root), "")
        raise CommandFailed(f"{overlay} cannot be built: {words}")
    return done.stdout


def _program() -> tuple[str, str]:
    for name, verb in _PROGRAMS:
        found = shutil.which(name)
        if found:
            return found, verb
    raise CommandFailed("neither kustomize nor kubectl is installed", hint="install one of them and run it again")
