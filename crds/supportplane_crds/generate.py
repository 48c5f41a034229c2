"""Write what is made from the models: the CRDs in crds/ and two reference pages. ``--check`` only compares.

``make generate`` runs this in a checkout; tests/unit/crds/test_generate.py fails when a file is out of date.
"""

import argparse
import io
import sys
from pathlib import Path

from ruamel.yaml import YAML

from supportplane_crds.kubernetes_page import kubernetes_page
from supportplane_crds.load import KINDS
from supportplane_crds.objects import GROUP
from supportplane_crds.reference import reference_page
from supportplane_crds.structural import Schema, custom_resource_definition

REPOSITORY = Path(__file__).resolve().parents[2]
NOTICE = "# Generated from crds/supportplane_crds by `make generate`: edit the models.\n"


def generated_files() -> dict[Path, str]:
    """Path below the repository -> content."""
    kinds = list(KINDS.values())
    smallest = (REPOSITORY / "crds/samples/minimal.yaml").read_text(encoding="utf-8")
    return {
        **{
            Path(f"crds/{kind.plural}.{GROUP}.yaml"): NOTICE + _yaml(custom_resource_definition(kind)) for kind in kinds
        },
        Path("docs/reference/supportagent.md"): reference_page(kinds, smallest=smallest),
        Path("docs/reference/kubernetes.md"): kubernetes_page(),
    }


def outdated(files: dict[Path, str], root: Path) -> list[Path]:
    """Which of the files are missing below root or say something else."""
    return [path for path, content in files.items() if _content(root / path) != content]


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _yaml(manifest: Schema) -> str:
    writer = YAML(typ="rt", pure=True)
    writer.width = 4096  # no wrapping: a changed sentence is one changed line
    writer.indent(mapping=2, sequence=2, offset=0)
    stream = io.StringIO()
    writer.dump(manifest, stream)
    return stream.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m supportplane_crds.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    arguments = parser.parse_args()
    files = generated_files()
    stale = outdated(files, REPOSITORY)
    if arguments.check:
        for path in stale:
            sys.stderr.write(f"{path} is out of date: run make generate\n")
        return 1 if stale else 0
    for path in stale:
        (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / path).write_text(files[path], encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
