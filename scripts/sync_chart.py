"""Copies what packaging takes from code: CRDs, roles, alerts, dashboards into the chart, it into the kustomize base.

`scripts/sync-chart` runs it after crds/, alerts/, dashboards/, supportplane_operator.rbac, the chart or operator/argocd
changed; `--check` writes nothing. tests/manifests/packaging fails when a file is out of date. Rendering the chart takes
helm, which scripts/tool finds or builds.
"""  # noqa: INP001 -- a script, not a package

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from supportplane_operator import rbac

REPOSITORY = Path(__file__).resolve().parents[1]
CHART = Path("operator/chart")
RENDERERS = Path("operator/supportplane_operator/render")
KUSTOMIZE = Path("operator/kustomize")
ARGOCD = Path("operator/argocd")
# Laid out as in Argo CD's own repository, so that a copy of the folder is a contribution.
CUSTOMIZATIONS = ARGOCD / "resource_customizations/supportplane.io"
NOTICE = "# Written by scripts/sync-chart: edit {source}.\n"
# What the base is called; an overlay changes it with `namespace:` and `namePrefix:`.
RELEASE, NAMESPACE = "supportplane", "supportplane-system"
# Helm's own marks, which mean nothing on objects that kustomize made.
HELM_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
# Written by hand beside the rendered objects.
HAND_WRITTEN = {"kustomization.yaml", "namespace.yaml"}

Manifest = dict[str, Any]


def wanted() -> dict[Path, str]:
    """Path below the repository -> content. The base comes last: it is rendered from the chart as it should be."""
    return {**copies(), **base()}


def copies() -> dict[Path, str]:
    """What is made without the chart."""
    return {**crds(), **roles(), **alerts(), **dashboards(), **argocd_settings()}


def crds() -> dict[Path, str]:
    files = sorted((REPOSITORY / "crds").glob("*.supportplane.io.yaml"))
    return {CHART / "files/crds" / path.name: path.read_text(encoding="utf-8") for path in files}


def roles() -> dict[Path, str]:
    notice = NOTICE.format(source="operator/supportplane_operator/rbac.py")
    rules = {
        "cluster": rbac.cluster_rules(),
        "namespace": rbac.namespace_rules(),
        "global": rbac.global_rules(),
        "lease": rbac.lease_rules(),
    }
    return {CHART / f"files/rbac/{name}.yaml": notice + dumped(listed) for name, listed in rules.items()}


def alerts() -> dict[Path, str]:
    """Those of the operator for its chart; those of agents as one list, for the package that renders them."""
    files = {whose: sorted((REPOSITORY / "alerts" / whose).glob("*.yaml")) for whose in ("agent", "operator")}
    listed = [YAML(typ="safe", pure=True).load(path) for path in files["agent"]]
    copied = {CHART / "files/alerts" / path.name: path.read_text(encoding="utf-8") for path in files["operator"]}
    return {RENDERERS / "alerts.json": json.dumps(listed, indent=2, ensure_ascii=False) + "\n", **copied}


def dashboards() -> dict[Path, str]:
    """An agent's for the package that renders it; those of a whole installation for the chart."""
    shipped = {
        path.name: path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "dashboards").glob("*.json"))
    }
    of_agent = shipped.pop("agent.json")
    copied = {CHART / "files/dashboards" / name: text for name, text in shipped.items()}
    return {RENDERERS / "dashboard.json": of_agent, **copied}


def argocd_settings() -> dict[Path, str]:
    """The scripts as keys of Argo CD's ConfigMap."""
    data: dict[str, str] = {}
    for folder in sorted(path.parent for path in (REPOSITORY / CUSTOMIZATIONS).glob("*/health.lua")):
        kind = f"supportplane.io_{folder.name}"
        data[f"resource.customizations.health.{kind}"] = literal(folder / "health.lua")
        if (folder / "actions").is_dir():
            data[f"resource.customizations.actions.{kind}"] = LiteralScalarString(dumped(actions(folder / "actions")))
    metadata = {
        "name": "argocd-cm",
        "namespace": "argocd",
        "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
    }
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return {
        ARGOCD / "argocd-cm.yaml": NOTICE.format(source="the Lua files in resource_customizations") + dumped(manifest)
    }


def actions(folder: Path) -> Manifest:
    """Argo CD's form of discovery.lua and of every <action>/action.lua."""
    definitions = [
        {"name": path.parent.name, "action.lua": literal(path)} for path in sorted(folder.glob("*/action.lua"))
    ]
    return {"discovery.lua": literal(folder / "discovery.lua"), "definitions": definitions}


def base() -> dict[Path, str]:
    """One object a file, named after its kind."""
    notice = NOTICE.format(source="operator/chart")
    return {
        KUSTOMIZE / f"{file_name(manifest)}.yaml": notice + dumped(without_helm(manifest)) for manifest in rendered()
    }


def rendered() -> Iterator[Manifest]:
    """What the chart makes by default, but its Secret: a private key stands in no file."""
    helm = [str(REPOSITORY / "scripts/tool"), "helm"]
    binary = subprocess.run(helm, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603 -- ours
    command = [binary, "template", RELEASE, str(REPOSITORY / CHART), "--namespace", NAMESPACE]
    command += ["--set", "crds.install=false"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 -- the same
    for manifest in YAML(typ="safe", pure=True).load_all(output):
        if manifest and manifest["kind"] != "Secret":
            yield manifest


def file_name(manifest: Manifest) -> str:
    """clusterrole, or clusterrole-view where the name says more than the operator's."""
    suffix = manifest["metadata"]["name"].rpartition(f"{RELEASE}-operator")[2]
    return f"{manifest['kind'].lower()}{suffix}"


def without_helm(manifest: Manifest) -> Manifest:
    template = manifest.get("spec", {}).get("template", {}).get("metadata", {})
    for metadata in (manifest["metadata"], template):
        for label in HELM_LABELS:
            metadata.get("labels", {}).pop(label, None)
    # The key is the user's own here, so nothing is known of it.
    template.get("annotations", {}).pop("checksum/signing-key", None)
    return manifest


def literal(path: Path) -> str:
    """Text that is written in lines, as it stands in the file."""
    return str.__new__(LiteralScalarString, path.read_text(encoding="utf-8"))


def dumped(value: Any) -> str:
    writer = YAML(typ="rt", pure=True)
    writer.width = 4096
    stream = io.StringIO()
    writer.dump(value, stream)
    return stream.getvalue()


def left_over(files: Iterable[Path]) -> list[Path]:
    """Files in the folders that hold only copies, and that nothing makes any longer."""
    known = set(files)
    folders = (
        CHART / "files/crds",
        CHART / "files/rbac",
        CHART / "files/alerts",
        CHART / "files/dashboards",
        KUSTOMIZE,
    )
    found = [path.relative_to(REPOSITORY) for folder in folders for path in (REPOSITORY / folder).glob("*.[yj]*")]
    return [path for path in found if path not in known and path.name not in HAND_WRITTEN]


def out_of_date(files: dict[Path, str]) -> list[Path]:
    return [path for path, content in files.items() if not is_same(REPOSITORY / path, content)]


def is_same(path: Path, content: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == content


def write(files: dict[Path, str]) -> None:
    for path in out_of_date(files):
        (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / path).write_text(files[path], encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/sync-chart", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    if parser.parse_args().check:
        files = wanted()
        stale = [*out_of_date(files), *left_over(files)]
        sys.stderr.writelines(f"{path} is out of date: run scripts/sync-chart\n" for path in stale)
        return 1 if stale else 0
    # The copies first: the base is rendered from the chart that has them.
    write(copies())
    files = wanted()
    write(files)
    for path in left_over(files):
        (REPOSITORY / path).unlink()
        sys.stdout.write(f"removed {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
