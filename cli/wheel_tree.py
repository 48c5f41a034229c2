"""Build hook of the wheel: `supportplane init` needs the trees of the repository where there is no repository.

An image is built without these folders, and an editable installation reads them where they are: then nothing is added.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "supportplane_cli/gitops/shipped"
SHIPPED = ("environments", "clusters", "operator/chart", "operator/argocd", "crds")


class WheelTree(BuildHookInterface):  # type: ignore[misc]  # the backend's types are not installed
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version == "editable" or not all((root / name).is_dir() for name in SHIPPED):
            return
        for name in SHIPPED:
            # The models of the contract are a package of their own.
            for path in sorted((root / name).rglob("*")):
                if path.is_file() and path.suffix not in {".py", ".pyc", ".typed"}:
                    build_data["force_include"][str(path)] = f"{TARGET}/{path.relative_to(root)}"
