"""What Argo CD makes of our objects: the Lua files run as Argo CD runs them, in Lua 5.1 without string, math and os.

The real Argo CD reads the same tables in tests/argocd.
"""

import re
from copy import deepcopy
from typing import Any

import pytest
from lupa import lua51  # type: ignore[import-untyped]  # its stubs are not in the lock
from ruamel.yaml import YAML

from support.argocd.cases import (
    ActionCase,
    DiscoveryCase,
    HealthCase,
    action_cases,
    discovery_cases,
    health_cases,
    read,
)
from support.argocd.states import CUSTOMIZATIONS, acted, files, states
from support.repository import REPOSITORY
from supportplane_crds import ConditionType
from supportplane_crds.load import KINDS
from supportplane_crds.reasons import Reason
from supportplane_operator.snapshot import Manifest

NAMESPACED = set(KINDS) - {"SupportAgentClass"}
# Argo CD opens only the base, package and table libraries.
CLOSED = ("string", "math", "os", "io", "debug")
# A condition that is so when all is well; the others are so when something is not.
WELL = dict.fromkeys(ConditionType, "True") | {
    ConditionType.PROGRESSING: "False",
    ConditionType.DEGRADED: "False",
    ConditionType.STALLED: "False",
}


def run(script: str, manifest: Manifest, parameters: dict[str, str] | None = None) -> Any:
    """The script's result as Argo CD gets it: plain values."""
    machine = lua51.LuaRuntime(unpack_returned_tuples=False)
    lua_globals = machine.globals()
    for name in CLOSED:
        lua_globals[name] = None
    lua_globals["obj"] = machine.table_from(manifest, recursive=True)
    lua_globals["actionParams"] = machine.table_from(parameters or {})
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
    return CUSTOMIZATIONS.joinpath(*names).read_text(encoding="utf-8")


def conditions(manifest: Manifest) -> dict[str, Manifest]:
    return {each["type"]: each for each in manifest.get("status", {}).get("conditions", ())}


@pytest.mark.parametrize("case", [*health_cases()], ids=str)
def test_health_says_what_the_operator_says(case: HealthCase) -> None:
    health = run(script(case.kind, "health.lua"), read(case.path))
    assert (health["status"], health["message"]) == (case.status, case.message)
    assert case.path.stem.startswith(case.status.lower())


def test_the_states_are_those_that_the_operator_writes() -> None:
    stale = [path.name for path, text in files().items() if not path.is_file() or path.read_text("utf-8") != text]
    assert not stale, "run: PYTHONPATH=tests .venv/bin/python -m support.argocd.states"
    assert set(CUSTOMIZATIONS.glob("*/**/testdata/*.yaml")) == set(files())


def test_every_state_is_in_the_table_of_its_kind() -> None:
    tested = {(case.kind, case.path.stem) for case in health_cases()}
    assert tested == {(kind, name) for kind, found in states().items() for name in found}


@pytest.mark.parametrize("kind", ConditionType)
def test_every_condition_is_seen_as_it_should_not_be(kind: ConditionType) -> None:
    seen = {conditions(each)[kind]["status"] for each in states()["SupportAgent"].values() if kind in conditions(each)}
    assert seen - {WELL[kind]}


@pytest.mark.parametrize("kind", sorted(NAMESPACED))
def test_a_condition_without_a_message_is_explained_by_its_reason(kind: str) -> None:
    for name, manifest in deepcopy(states()[kind]).items():
        for condition in conditions(manifest).values():
            condition["message"] = ""
        message = run(script(kind, "health.lua"), manifest)["message"]
        assert message in set(Reason) or message.startswith(("Paused: ", "The operator has not")), name


@pytest.mark.parametrize("kind", sorted(NAMESPACED))
def test_reasons_that_stand_for_work_exist(kind: str) -> None:
    listed = re.search(r"working = \{(.*)\}", script(kind, "health.lua"))
    assert listed is not None
    assert set(re.findall(r"(\w+) = true", listed[1])) <= set(Reason)


@pytest.mark.parametrize("case", [*discovery_cases()], ids=str)
def test_actions_are_offered_when_they_have_an_effect(case: DiscoveryCase) -> None:
    found = run(script(case.kind, "actions/discovery.lua"), read(case.path))
    shown = {name: {"name": name, **each} for name, each in found.items()}
    for each in shown.values():
        if not each.get("disabled", True):
            del each["disabled"]  # which is what Argo CD says by default
    assert shown == case.offered


@pytest.mark.parametrize("case", [*action_cases()], ids=str)
def test_an_action_changes_only_what_it_is_about(case: ActionCase) -> None:
    text, parameters = script(case.kind, "actions", case.action, "action.lua"), dict(case.parameters)
    if case.after is None:
        with pytest.raises(lua51.LuaError, match=case.error):
            run(text, read(case.before), parameters)
    else:
        assert run(text, read(case.before), parameters) == read(case.after)


def test_every_namespaced_kind_has_its_health_and_every_action_is_offered_and_tried() -> None:
    assert {path.parent.name for path in CUSTOMIZATIONS.glob("*/health.lua")} == NAMESPACED
    written = {(path.parts[-4], path.parent.name) for path in CUSTOMIZATIONS.glob("*/actions/*/action.lua")}
    assert written == {(case.kind, name) for case in discovery_cases() for name in case.offered}
    assert written == {(case.kind, case.action) for case in action_cases()}
    assert {kind for kind, _ in written} == set(acted())


def test_the_settings_hold_the_scripts_as_they_are() -> None:
    data = read(REPOSITORY / "operator/argocd/argocd-cm.yaml")["data"]
    for kind in NAMESPACED:
        assert data[f"resource.customizations.health.supportplane.io_{kind}"] == script(kind, "health.lua")
    for kind in acted():
        held = YAML(typ="safe", pure=True).load(data[f"resource.customizations.actions.supportplane.io_{kind}"])
        assert held["discovery.lua"] == script(kind, "actions/discovery.lua")
        for each in held["definitions"]:
            assert each["action.lua"] == script(kind, "actions", each["name"], "action.lua")
