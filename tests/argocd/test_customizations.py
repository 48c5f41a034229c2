"""The real Argo CD reads the tables that tests/manifests runs in plain Lua: health, actions, what they change."""

from pathlib import Path

import pytest
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
from support.argocd.installation import admin_settings, skip_without_argocd

skip_without_argocd()
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", [*health_cases()], ids=str)
def test_argo_cd_reads_the_health_that_the_table_says(case: HealthCase, tmp_path: Path) -> None:
    told = admin_settings("health", str(case.path), home=tmp_path)
    assert told.stdout.splitlines() == [f"STATUS: {case.status}", f"MESSAGE: {case.message}"], told.stderr


@pytest.mark.parametrize("case", [*discovery_cases()], ids=str)
def test_argo_cd_offers_the_actions_that_the_table_says(case: DiscoveryCase, tmp_path: Path) -> None:
    told = admin_settings("list-actions", str(case.path), home=tmp_path)
    rows = [line.split() for line in told.stdout.splitlines()]
    disabled = {name: str(each.get("disabled", False)).lower() for name, each in case.offered.items()}
    assert rows == [["NAME", "DISABLED"], *([name, disabled[name]] for name in sorted(disabled))], told.stderr


@pytest.mark.parametrize("case", [*action_cases()], ids=str)
def test_argo_cd_changes_what_the_table_says(case: ActionCase, tmp_path: Path) -> None:
    given = [f"--param={name}={value}" for name, value in case.parameters.items()]
    told = admin_settings("run-action", str(case.before), case.action, *given, home=tmp_path)
    if case.after is None:
        assert case.error in told.stderr
    else:
        assert told.returncode == 0, told.stderr
        _, _, changed = told.stdout.partition("\n\n")
        assert YAML(typ="safe", pure=True).load(changed) == read(case.after)
