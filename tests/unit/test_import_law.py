"""Breaks each contract of the import law in a copy of the tree, and sees the linter name the import."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.repository import REPOSITORY as ROOT

PACKAGES = {
    "crds": "supportplane_crds",
    "operator": "supportplane_operator",
    "runtime": "supportplane_runtime",
    "cli": "supportplane_cli",
}


@dataclass(frozen=True, slots=True)
class Break:
    """An import that the law forbids. importer: a module that is there. contract: the one that must be broken."""

    importer: str
    imported: str
    contract: str


_PLANES = "The command line sits above the planes, the contract below them"
_RUNTIME = "Inside the runtime, imports go down only"
_RETRIEVAL = "Inside retrieval, imports go down only"
_OPERATOR = "Inside the operator, imports go down only"
_STORE = "Inside the store, imports go down only"
_APP = "Only app chooses implementations"
_GATEWAY = "Inside the gateway, imports go down only"
_SUBJECTS = "The subjects of the API stand beside each other"
BREAKS = (
    Break("supportplane_crds.load", "supportplane_runtime.settings", _PLANES),
    Break("supportplane_runtime.settings", "supportplane_operator.settings", _PLANES),
    Break("supportplane_operator.settings", "supportplane_runtime.errors", _PLANES),
    Break("supportplane_operator.why", "supportplane_cli.console", _PLANES),
    Break("supportplane_runtime.orchestrator.language", "supportplane_runtime.gateway.parts", _RUNTIME),
    Break("supportplane_runtime.gateway.parts", "supportplane_runtime.orchestrator.language", _RUNTIME),
    Break("supportplane_runtime.store.rules", "supportplane_runtime.model.interfaces", _RUNTIME),
    Break("supportplane_runtime.model.interfaces", "supportplane_runtime.store.rules", _RUNTIME),
    Break("supportplane_runtime.rag.ingestion.ingest", "supportplane_runtime.orchestrator.prompt", _RUNTIME),
    Break("supportplane_runtime.domain.answer", "supportplane_runtime.metrics", _RUNTIME),
    Break("supportplane_runtime.rag.words.lexemes", "supportplane_runtime.rag.evidence.verify", _RETRIEVAL),
    Break("supportplane_runtime.rag.evidence.claims", "supportplane_runtime.rag.search.fusion", _RETRIEVAL),
    Break("supportplane_runtime.rag.evidence.claims", "supportplane_runtime.rag.index.interfaces", _RETRIEVAL),
    Break("supportplane_runtime.rag.index.interfaces", "supportplane_runtime.rag.documents.chunking", _RETRIEVAL),
    Break("supportplane_runtime.rag.documents.text", "supportplane_runtime.rag.embedding.interfaces", _RETRIEVAL),
    Break("supportplane_runtime.rag.search.interfaces", "supportplane_runtime.rag.ingestion.lock", _RETRIEVAL),
    Break("supportplane_runtime.rag.embedding.interfaces", "supportplane_runtime.rag.ingestion.ingest", _RETRIEVAL),
    Break("supportplane_runtime.languages", "supportplane_runtime.domain.answer", _RUNTIME),
    Break("supportplane_runtime.health", "supportplane_runtime.settings", _RUNTIME),
    Break("supportplane_runtime.serving.probes", "supportplane_runtime.turns.codec", _RUNTIME),
    Break("supportplane_runtime.app.worker", "supportplane_runtime.gateway.parts", "The orchestrator's process"),
    Break("supportplane_runtime.orchestrator.prompt", "supportplane_runtime.store.postgres.store", _APP),
    Break("supportplane_runtime.gateway.http.callers", "supportplane_runtime.store.redis.limits", _APP),
    Break("supportplane_runtime.rag.ingestion.ingest", "supportplane_runtime.rag.index.weaviate", _APP),
    Break("supportplane_runtime.rag.search.retriever", "supportplane_runtime.rag.embedding.local", _APP),
    Break("supportplane_runtime.turns.codec", "supportplane_runtime.store.memory.store", _APP),
    Break("supportplane_runtime.store.interfaces.keys", "supportplane_runtime.store.rules.keys", _STORE),
    Break("supportplane_runtime.store.memory.turns", "supportplane_runtime.store.postgres.rows", _STORE),
    Break("supportplane_runtime.gateway.connections.peers", "supportplane_runtime.gateway.facts", _GATEWAY),
    Break("supportplane_runtime.gateway.facts", "supportplane_runtime.gateway.limits.tarpit", _GATEWAY),
    Break("supportplane_runtime.gateway.limits.shares", "supportplane_runtime.gateway.audit.log", _GATEWAY),
    Break("supportplane_runtime.gateway.limits.counting", "supportplane_runtime.gateway.identity.origins", _GATEWAY),
    Break("supportplane_runtime.gateway.identity.visitors", "supportplane_runtime.gateway.asking", _GATEWAY),
    Break("supportplane_runtime.gateway.asking", "supportplane_runtime.gateway.http.problems", _GATEWAY),
    Break("supportplane_runtime.gateway.state", "supportplane_runtime.gateway.api.query.events", _GATEWAY),
    Break("supportplane_runtime.gateway.http.routes", "supportplane_runtime.gateway.api.access", _GATEWAY),
    Break("supportplane_runtime.gateway.api.access", "supportplane_runtime.gateway.application", _GATEWAY),
    Break("supportplane_runtime.gateway.api.tickets", "supportplane_runtime.gateway.api.conversations", _SUBJECTS),
    Break("supportplane_runtime.gateway.api.health", "supportplane_runtime.gateway.api.status", _SUBJECTS),
    Break("supportplane_runtime.gateway.api.query.events", "supportplane_runtime.gateway.api.tickets", _SUBJECTS),
    Break("supportplane_runtime.gateway.audit.log", "psycopg", "Only these modules talk to PostgreSQL"),
    Break("supportplane_operator.reconcile", "lightkube", "Only these modules talk to the Kubernetes API server"),
    Break("supportplane_operator.reconcile", "kopf", "Only the operator's listen knows kopf"),
    Break("supportplane_operator.main", "kopf", "Only the operator's listen knows kopf"),
    Break("supportplane_operator.snapshot", "supportplane_operator.work", _OPERATOR),
    Break("supportplane_operator.checks.references", "lightkube", "Deciding needs no cluster"),
)


def module_file(root: Path, module: str) -> Path:
    folder = next(name for name, package in PACKAGES.items() if module.startswith(f"{package}."))
    path = root / folder / Path(*module.split("."))
    return path / "__init__.py" if (ROOT / folder / Path(*module.split("."))).is_dir() else path.with_suffix(".py")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the tree with all the breaks in it."""
    copy = tmp_path_factory.mktemp("tree")
    for folder, package in PACKAGES.items():
        shutil.copytree(ROOT / folder / package, copy / folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for each in BREAKS:
        with module_file(copy, each.importer).open("a") as module:
            module.write(f"\nimport {each.imported}\n")
    path = os.pathsep.join(str(copy / folder) for folder in PACKAGES)
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "240"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode != 0, linted.stdout
    return linted.stdout


@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: f"{each.importer} -> {each.imported}")
def test_a_forbidden_import_is_found_and_named(report: str, broken: Break) -> None:
    details = report.partition("Broken contracts")[2]
    _, heading, rest = details.partition(f"\n{broken.contract}")
    assert heading, f"{broken.contract} is kept"
    of_contract = rest.partition("\n---")[2].partition("\n---")[0]
    assert f"{broken.importer} -> {broken.imported}" in of_contract


def test_every_contract_is_broken_once(report: str) -> None:
    assert "0 kept" in report
