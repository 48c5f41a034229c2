from pathlib import Path

import pytest

from support.repository import REPOSITORY
from supportplane_cli.commands.up import describe
from supportplane_cli.paths import DataDir
from supportplane_cli.supervisor.plan import UpOptions, make_plan


def dry_run(sample: str, folder: Path, port: int, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    describe(make_plan(UpOptions(REPOSITORY / "crds/samples" / sample, DataDir(folder), port=port)), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    return {line[:15].strip(): line[16:] for line in lines}


def test_a_dry_run_says_what_only_clusters_look_at(
    tmp_path: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    told = dry_run("full.yaml", tmp_path, free_port, capsys)["no effect"]
    assert told.startswith("spec.gateway.parentRefs, spec.gateway.hostnames, ")
    assert told.endswith("spec.observability, SupportAgentClass/standard: for clusters only")


def test_a_dry_run_of_a_laptops_file_has_no_such_line(
    tmp_path: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no effect" not in dry_run("minimal.yaml", tmp_path, free_port, capsys)
