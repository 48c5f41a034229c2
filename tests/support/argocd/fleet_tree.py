"""What a team changes in the repository that `supportplane init` wrote: a second cluster, and clusters that lack parts.

The platform's charts cannot be had where tests run, so `--components none` leaves the parts that the repository holds
itself. What an agent would get of the others (a database, a route from outside) is said in the clusters' folders.
"""

import shutil
from pathlib import Path

from ruamel.yaml import YAML

from support.argocd.states import dumped
from support.kubernetes.agent_space import STORES
from supportplane_operator.snapshot import Manifest

AGENT = "support"
PARTS = ("supportplane-crds", "supportplane-operator")
FIRST, SECOND = "main", "us"


def add_cluster(folder: Path, server: str) -> None:
    """SECOND, where only production runs: the folder of FIRST once more, with facts of its own."""
    first, second = folder / "clusters" / FIRST, folder / "clusters" / SECOND
    shutil.copytree(first, second)
    for environment in ("dev", "staging"):
        shutil.rmtree(second / "agents" / environment)
    kustomization = second / "kustomization.yaml"
    text = kustomization.read_text(encoding="utf-8")
    own = text.replace(f"clusters/{FIRST}", f"clusters/{SECOND}").replace(f"-{FIRST}\n", f"-{SECOND}\n")
    kustomization.write_text(own, encoding="utf-8")
    facts = read(second / "cluster.yaml")
    facts["cluster"] |= {"name": SECOND, "region": "us-east-1", "ring": "2", "server": server}
    (second / "cluster.yaml").write_text(dumped(facts), encoding="utf-8")
    bootstrap = folder / "clusters/bootstrap/kustomization.yaml"
    listed = bootstrap.read_text(encoding="utf-8").replace(f"- ../{FIRST}\n", f"- ../{FIRST}\n- ../{SECOND}\n")
    bootstrap.write_text(listed, encoding="utf-8")


def stand_alone(folder: Path) -> None:
    """Every cluster is one without CloudNativePG and Gateway API: stores of one's own, no route from outside."""
    changes = [
        {"op": "replace", "path": "/spec/persistence", "value": {**STORES, "deletionPolicy": "Keep"}},
        {"op": "remove", "path": "/spec/gateway/parentRefs"},
    ]
    for path in (folder / "clusters").glob("*/agents/*/kustomization.yaml"):
        manifest = read(path)
        target = {"kind": "SupportAgent", "name": AGENT}
        manifest.setdefault("patches", []).append({"target": target, "patch": dumped(changes)})
        path.write_text(dumped(manifest), encoding="utf-8")


def read(path: Path) -> Manifest:
    found: Manifest = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return found
