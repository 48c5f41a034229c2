import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.gitops.preview import COMMENT, Change, markdown, read_build
from supportplane_cli.registry import cli

ADDRESS = "https://git.acme.example/team/support.git"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as `init` writes it, with one commit."""
    folder = tmp_path_factory.mktemp("preview") / "team"
    assert CliRunner().invoke(cli, ["init", "--track", "startup", "--repository", ADDRESS, str(folder)]).exit_code == 0
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.fixture
def team(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, and the kubectl of this environment on PATH."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    return Path(shutil.copytree(written, tmp_path / "team"))


def preview(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["preview", "--directory", str(folder), *arguments])


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def table(shown: Result) -> list[str]:
    return [line for line in shown.stdout.splitlines() if line.startswith("| `")]


@pytest.mark.slow
def test_a_change_is_shown_for_each_overlay_with_what_becomes_of_the_agents_revision(team: Path) -> None:
    replace(team / "environments/dev/release/supportagent.yaml", "briefly", "in one sentence")
    replace(team / "environments/production/settings.yaml", "maxReplicas: 10", "maxReplicas: 20")
    shown = preview(team)
    assert shown.exit_code == 0, shown.exception
    dev, production = table(shown)
    assert dev.startswith("| `clusters/main/agents/dev` | 1 changed | a new revision rolls out: ")
    assert production == "| `clusters/main/agents/production` | 1 changed | no new revision |"
    assert "-      maxReplicas: 10\n+      maxReplicas: 20" in shown.stdout


@pytest.mark.slow
def test_no_change_of_what_runs_is_said_in_one_sentence(team: Path) -> None:
    replace(team / "environments/dev/settings.yaml", "# Small", "# Very small")
    assert "Nothing: every overlay builds the same objects as before." in preview(team).stdout


@pytest.mark.slow
def test_an_agent_that_the_operator_would_refuse_ends_with_its_sentence(team: Path) -> None:
    replace(team / "environments/staging/settings.yaml", "maxUnavailable: 1", "maxUnavailable: 2")
    shown = preview(team)
    assert "| **the agent would be refused** |" in shown.stdout
    assert isinstance(shown.exception, CommandFailed)
    assert "maxUnavailable must be less than replicas" in shown.exception.message


@pytest.mark.slow
def test_an_overlay_that_cannot_be_built_is_named_without_the_folder_of_the_machine(team: Path) -> None:
    (team / "environments/dev/settings.yaml").unlink()
    failure = preview(team).exception
    assert isinstance(failure, CommandFailed)
    assert "clusters/main/agents/dev cannot be built" in failure.message
    assert str(team) not in failure.message


@pytest.mark.slow
def test_an_overlay_that_goes_and_one_that_comes_are_told(team: Path) -> None:
    (team / "clusters/main/agents/staging").rename(team / "clusters/second")
    (team / "clusters/second").rename(team / "clusters/main/agents/other")
    gone = [line for line in table(preview(team)) if "staging" in line]
    assert gone == ["| `clusters/main/agents/staging` | 5 removed | the agent is removed |"]


@pytest.mark.slow
def test_a_branch_is_compared_with_the_one_that_it_is_for(team: Path) -> None:
    git(team, "branch", "before")
    replace(team / "environments/dev/settings.yaml", "replicas: 1", "replicas: 3")
    git(team, "commit", "--quiet", "--all", "-m", "more")
    assert len(table(preview(team, "--base", "before"))) == 1
    assert table(preview(team)) == []
    assert isinstance(preview(team, "--base", "nowhere").exception, WrongUsage)


def test_without_a_program_that_builds_overlays_the_way_out_is_told(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = team.parent / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(programs))
    failure = preview(team).exception
    assert isinstance(failure, CommandFailed)
    assert "neither kustomize nor kubectl" in failure.message


def config(text: str) -> str:
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  page.md: |\n{lines}"


def test_what_a_document_says_cannot_leave_its_fence() -> None:
    change = Change("clusters/a/agents/dev", read_build(config("old")), read_build(config("`````\n@everyone\n`````")))
    shown = markdown([change])
    fence = "``````"
    assert shown.count(fence) == 2
    assert shown.index("@everyone") > shown.index(f"{fence}diff")


def test_a_long_change_keeps_its_table() -> None:
    long = "\n".join(f"line {number}" for number in range(COMMENT // 5))
    shown = markdown([Change("clusters/a/agents/dev", read_build(config("old")), read_build(config(long)))])
    assert len(shown) <= COMMENT + 200
    assert "| `clusters/a/agents/dev` | 1 changed |" in shown
    assert "too long for a comment" in shown
