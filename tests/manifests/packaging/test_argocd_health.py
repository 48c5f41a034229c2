"""What Argo CD makes of our objects: the Lua files run as Argo CD runs them, in Lua 5.1 without string, math and os."""

import copy
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lupa import lua51  # type: ignore[import-untyped]  # its stubs are not in the lock
from ruamel.yaml import YAML

from manifests.wrong_objects import full_sample
from support.repository import REPOSITORY
from supportplane_crds.load import KINDS
from supportplane_crds.names import ANNOTATION_PAUSED
from supportplane_crds.reasons import Reason

ARGOCD = REPOSITORY / "operator/argocd"
NAMESPACED = ("SupportAgent", "ModelEndpoint", "KnowledgeBase")
# Argo CD opens only the base, package and table libraries.
CLOSED = ("string", "math", "os", "io", "debug")

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """conditions: type=status or type=status/reason, each with a sentence of its own."""

    conditions: tuple[str, ...]
    status: str
    says: str
    generation: tuple[int, int] = (3, 3)  # of the object, and as the operator saw it
    paused: str | None = None


AGENT = {
    "nothing reported": Case((), "Progressing", "The operator has not reported yet."),
    "no Ready yet": Case(("Accepted=True",), "Progressing", "The operator has not reported yet."),
    "serving": Case(("Ready=True",), "Healthy", "about Ready"),
    "serving, without something optional": Case(("Ready=True", "Degraded=True"), "Healthy", "about Degraded"),
    "not degraded": Case(("Ready=True", "Degraded=False"), "Healthy", "about Ready"),
    "serving, new revision": Case(("Ready=True", "Progressing=True"), "Progressing", "about Progressing"),
    "starting": Case(("Ready=False", "Progressing=True"), "Progressing", "about Progressing"),
    "broken": Case(("Ready=False", "Progressing=False"), "Degraded", "about Ready"),
    "reading its documents": Case(("Ready=False/Indexing", "Progressing=False"), "Progressing", "about Ready"),
    "no part that will come by itself": Case(("Ready=False/CacheUnreachable",), "Degraded", "about Ready"),
    "not known": Case(("Ready=Unknown",), "Progressing", "about Ready"),
    "stuck while starting": Case(("Ready=False", "Progressing=True", "Stalled=True"), "Degraded", "about Stalled"),
    "stuck while serving": Case(("Ready=True", "Stalled=True"), "Degraded", "about Stalled"),
    "changed since": Case(("Ready=True",), "Progressing", "The operator has not seen", generation=(4, 3)),
    "broken, but changed since": Case(
        ("Stalled=True", "Ready=False"), "Progressing", "has not seen", generation=(4, 3)
    ),
    "paused": Case(("Ready=True",), "Suspended", "Paused", paused="true"),
    "paused while broken": Case(("Ready=False", "Stalled=True"), "Suspended", "Paused", paused="true"),
    "paused before it was seen": Case((), "Suspended", "Paused", paused="true"),
    "not paused": Case(("Ready=True",), "Healthy", "about Ready", paused="false"),
}
OTHERS = {
    "nothing reported": Case((), "Progressing", "The operator has not reported yet."),
    "ready": Case(("Ready=True/Probed",), "Healthy", "about Ready"),
    "broken": Case(("Ready=False/ModelUnreachable",), "Degraded", "about Ready"),
    "loading": Case(("Ready=False/Loading",), "Progressing", "about Ready"),
    "indexing": Case(("Ready=False/Indexing",), "Progressing", "about Ready"),
    "used by no agent, so nobody knows": Case(("Ready=Unknown/Indexing",), "Healthy", "about Ready"),
    "changed since": Case(("Ready=True/Probed",), "Progressing", "The operator has not seen", generation=(2, 1)),
}
TABLE = [
    *((kind, title, case) for kind in NAMESPACED[1:] for title, case in OTHERS.items()),
    *(("SupportAgent", title, case) for title, case in AGENT.items()),
]


def object_of(kind: str, case: Case) -> Manifest:
    manifest = next(copy.deepcopy(one) for one in full_sample() if one["kind"] == kind)
    manifest["metadata"]["generation"] = case.generation[0]
    if case.paused is not None:
        manifest["metadata"]["annotations"] = {ANNOTATION_PAUSED: case.paused}
    if case.conditions:
        conditions = [condition(text) for text in case.conditions]
        manifest["status"] = {"observedGeneration": case.generation[1], "conditions": conditions}
    return manifest


def condition(text: str) -> Manifest:
    kind, _, rest = text.partition("=")
    status, _, reason = rest.partition("/")
    return {"type": kind, "status": status, "reason": reason or "AReason", "message": f"about {kind}"}


def run(script: str, manifest: Manifest) -> Any:
    """The script's result as Argo CD gets it: plain values."""
    machine = lua51.LuaRuntime(unpack_returned_tuples=False)
    lua_globals = machine.globals()
    for name in CLOSED:
        lua_globals[name] = None
    lua_globals["obj"] = machine.table_from(manifest, recursive=True)
    return plain(machine.execute(script))


def plain(value: Any) -> Any:
    """An empty table becomes a list: Argo CD cannot know better either."""
    if lua51.lua_type(value) != "table":
        return value
    keys = list(value.keys())
    if keys == list(range(1, len(keys) + 1)):
        return [plain(entry) for entry in value.values()]
    return {name: plain(entry) for name, entry in value.items()}


def script(*names: str) -> str:
    return ARGOCD.joinpath(*names).read_text(encoding="utf-8")


def action(name: str, manifest: Manifest) -> Manifest:
    value: Manifest = run(script("SupportAgent", "actions", name, "action.lua"), manifest)
    return value


def offered(manifest: Manifest) -> dict[str, bool]:
    """Action -> whether it can be taken now."""
    found = run(script("SupportAgent", "actions", "discovery.lua"), manifest)
    return {name: not entry["disabled"] for name, entry in found.items()}


@pytest.mark.parametrize(("kind", "title", "case"), TABLE, ids=[f"{kind}: {title}" for kind, title, _ in TABLE])
def test_health_says_what_the_operator_says(kind: str, title: str, case: Case) -> None:
    health = run(script(kind, "health.lua"), object_of(kind, case))
    assert health["status"] == case.status
    assert case.says in health["message"]


def test_a_condition_without_a_message_is_explained_by_its_reason() -> None:
    manifest = object_of("SupportAgent", Case(("Ready=False/PodsUnavailable",), "Degraded", ""))
    manifest["status"]["conditions"][0]["message"] = ""
    assert run(script("SupportAgent", "health.lua"), manifest)["message"] == "PodsUnavailable"


@pytest.mark.parametrize("kind", NAMESPACED)
def test_reasons_that_stand_for_work_exist(kind: str) -> None:
    listed = re.search(r"working = \{(.*)\}", script(kind, "health.lua"))
    assert listed is not None
    assert set(re.findall(r"(\w+) = true", listed[1])) <= set(Reason)


def test_an_agent_can_be_paused_or_resumed_but_not_both() -> None:
    running = object_of("SupportAgent", AGENT["serving"])
    assert offered(running) == {"pause": True, "resume": False}
    assert offered(action("pause", running)) == {"pause": False, "resume": True}


def test_pausing_and_resuming_gives_the_object_back() -> None:
    for annotations in (None, {"team": "support"}):
        agent = object_of("SupportAgent", AGENT["serving"])
        agent["metadata"].pop("annotations", None)
        if annotations:
            agent["metadata"]["annotations"] = annotations
        paused = action("pause", agent)
        assert paused["metadata"]["annotations"] == {**(annotations or {}), ANNOTATION_PAUSED: "true"}
        assert action("resume", paused) == agent


def test_every_namespaced_kind_has_its_health_and_every_action_is_offered() -> None:
    folders = {path.parent.name for path in ARGOCD.glob("*/health.lua")}
    assert folders == set(NAMESPACED) == set(KINDS) - {"SupportAgentClass"}
    actions = {path.parent.name for path in ARGOCD.glob("SupportAgent/actions/*/action.lua")}
    assert actions == set(offered(object_of("SupportAgent", AGENT["serving"])))


def test_the_settings_hold_the_scripts_as_they_are() -> None:
    data = YAML(typ="safe", pure=True).load(ARGOCD / "argocd-cm.yaml")["data"]
    for kind in NAMESPACED:
        assert data[f"resource.customizations.health.supportplane.io_{kind}"] == script(kind, "health.lua")
    actions = YAML(typ="safe", pure=True).load(data["resource.customizations.actions.supportplane.io_SupportAgent"])
    assert actions["discovery.lua"] == script("SupportAgent", "actions", "discovery.lua")
    assert {one["name"]: one["action.lua"] for one in actions["definitions"]} == {
        name: script("SupportAgent", "actions", name, "action.lua") for name in ("pause", "resume")
    }


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("argocd") is None, reason="no argocd binary on PATH")
def test_argo_cd_itself_reads_the_same_health(tmp_path: Path) -> None:
    command = ["argocd", "admin", "settings", "resource-overrides", "health", str(tmp_path / "object.yaml")]
    command += ["--argocd-cm-path", str(ARGOCD / "argocd-cm.yaml")]
    for kind, title, case in TABLE:
        (tmp_path / "object.yaml").write_text(json.dumps(object_of(kind, case)))
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ARGOCD_BINARY_NAME": "argocd"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert f"STATUS: {case.status}" in done.stdout, f"{kind}: {title}"
