"""Workflow files, our own and the one that `supportplane init` writes: right, safe, and pinned."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from support.kubernetes.control_plane import NotReady, ready_binary
from support.repository import REPOSITORY

WORKFLOWS = sorted([*REPOSITORY.glob(".github/workflows/*.yaml"), *REPOSITORY.glob("clusters/workflows/*.yaml")])
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def checked(*command: str) -> str:
    done = subprocess.run([*command, *map(str, WORKFLOWS)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


def test_every_workflow_is_one() -> None:
    try:
        linter = ready_binary("actionlint")
    except NotReady as reason:
        pytest.skip(str(reason))
    assert checked(linter) == ""


def test_no_workflow_can_be_used_against_us() -> None:
    assert checked(str(Path(sys.executable).with_name("zizmor")), "--offline", "--quiet") == ""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_and_every_job_has_only_the_rights_that_it_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [line.strip() for line in text.splitlines() if "uses:" in line and not PINNED.search(line)] == []
    workflow = YAML(typ="safe", pure=True).load(text)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert set(job["permissions"]) <= {"contents", "packages", "id-token", "pull-requests"}
        assert job["permissions"]["contents"] == "read"
        assert job["timeout-minutes"] <= 90


def test_the_release_builds_what_the_chart_and_the_operator_pull() -> None:
    release = YAML(typ="safe", pure=True).load(REPOSITORY / ".github/workflows/release.yaml")
    images = release["jobs"]["images"]["strategy"]["matrix"]["image"]
    assert all((REPOSITORY / image / "Dockerfile").is_file() for image in images)
    assert set(images) == {"operator", "runtime"}
