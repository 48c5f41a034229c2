from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from support.operator.samples import SAMPLES
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.registry import cli
from supportplane_operator.snapshot import OPTIONAL_APIS

CLUSTER = str(SAMPLES / "cluster.yaml")


def rendered(*arguments: str) -> list[dict[str, object]]:
    shown = CliRunner().invoke(cli, ["render", *arguments], catch_exceptions=False)
    assert shown.exit_code == 0
    return list(YAML(typ="safe", pure=True).load_all(shown.stdout))


def kinds(*arguments: str) -> set[object]:
    return {each["kind"] for each in rendered(*arguments)}


def test_a_file_is_printed_as_the_operator_would_apply_it() -> None:
    manifests = rendered("-f", CLUSTER, "--namespace", "acme")
    assert {each["metadata"]["namespace"] for each in manifests} == {"acme"}  # type: ignore[index]
    assert {"Deployment", "Service", "Job", "NetworkPolicy", "ConfigMap"} <= {each["kind"] for each in manifests}


def test_optional_kinds_are_there_when_they_are_asked_for() -> None:
    optional = {api.rpartition("/")[2] for api in OPTIONAL_APIS}
    assert kinds("-f", CLUSTER) & optional == set()
    assert kinds("-f", CLUSTER, "--api-version", "monitoring.coreos.com/v1/ServiceMonitor") & optional == {
        "ServiceMonitor"
    }
    assert kinds("-f", CLUSTER, "--all-apis") & optional == {"ServiceMonitor", "PrometheusRule"}


def test_an_api_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    shown = CliRunner().invoke(cli, ["render", "-f", CLUSTER, "--api-version", "apps/v9/Nothing"])
    assert isinstance(shown.exception, WrongUsage)
    assert "keda.sh/v1alpha1/ScaledObject" in str(shown.exception.hint)


def test_an_agent_that_the_operator_could_not_serve_is_an_error_with_the_way_out() -> None:
    shown = CliRunner().invoke(cli, ["render", "-f", str(SAMPLES / "minimal.yaml")])
    assert isinstance(shown.exception, CommandFailed)
    assert "set spec.persistence.database" in shown.exception.message


def test_a_wrong_setting_of_the_operator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_WORKERS", "0")
    shown = CliRunner().invoke(cli, ["render", "-f", CLUSTER])
    assert isinstance(shown.exception, WrongUsage)
    assert shown.exception.message.startswith("SUPPORTPLANE_OPERATOR_WORKERS: ")


def test_a_wrong_file_is_an_error_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "agent.yaml"
    wrong.write_text("kind: Nothing\n")
    shown = CliRunner().invoke(cli, ["render", "-f", str(wrong)])
    assert isinstance(shown.exception, CommandFailed)


@pytest.mark.parametrize("command", ["render", "why"])
def test_both_explain_themselves_with_examples(command: str) -> None:
    shown = CliRunner().invoke(cli, [command, "--help"])
    assert shown.exit_code == 0
    assert f"supportplane {command}" in shown.output
