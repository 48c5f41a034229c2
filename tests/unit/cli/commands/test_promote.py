import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from supportplane_cli.errors import CommandFailed, Refused, WrongUsage
from supportplane_cli.gitops.forge import project_of
from supportplane_cli.registry import cli

ADDRESS = "https://git.acme.example/team/support.git"
TOKEN = "forge-token-7"
NEW = "Answer politely, and say parcel."


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `init` writes, whose dev has a newer release, as a repository with one commit."""
    folder = tmp_path_factory.mktemp("promote") / "team"
    assert CliRunner().invoke(cli, ["init", "--track", "startup", "--repository", ADDRESS, str(folder)]).exit_code == 0
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    change(folder, "dev", NEW)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.fixture
def team(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, and a bare repository that it is pushed to."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "tester@example.com")
    monkeypatch.delenv("SUPPORTPLANE_FORGE_TOKEN", raising=False)
    folder, bare = tmp_path / "team", tmp_path / "forge/team/support.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", bare], check=True)
    shutil.copytree(written, folder)
    git(folder, "remote", "add", "origin", f"file://{bare}")
    return folder


def change(folder: Path, environment: str, text: str) -> None:
    path = folder / f"environments/{environment}/release/supportagent.yaml"
    path.write_text(path.read_text().replace("Answer politely and briefly.", text))


def promote(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["promote", "--directory", str(folder), *arguments])


def done(folder: Path, *arguments: str) -> str:
    shown = promote(folder, *arguments)
    assert shown.exit_code == 0, shown.exception
    return shown.stdout


def failure(folder: Path, *arguments: str) -> CommandFailed:
    found = promote(folder, *arguments).exception
    assert isinstance(found, CommandFailed)
    return found


def branches(folder: Path) -> list[str]:
    return git(folder, "branch", "--format=%(refname:short)").splitlines()


def test_a_dry_run_shows_the_change_and_makes_no_branch(team: Path) -> None:
    told = done(team, "dev", "staging", "--dry-run")
    assert f"+      inline: {NEW}" in told
    assert "-      inline: Answer politely and briefly." in told
    assert branches(team) == ["main"]


def test_a_promotion_is_a_branch_in_which_only_the_release_of_the_target_is_another(team: Path) -> None:
    (team / "environments/dev/settings.yaml").write_text("half done")
    told = done(team, "dev", "staging")
    (branch,) = [name for name in branches(team) if name != "main"]
    assert branch in told
    assert git(team, "diff", "--name-only", "main", branch) == "environments/staging/release/supportagent.yaml"
    assert git(team, "rev-parse", f"{branch}:environments/staging/release") == git(
        team, "rev-parse", "main:environments/dev/release"
    )
    assert git(team, "log", "-1", "--format=%s", branch) == "Promote dev to staging"
    assert git(team, "status", "--porcelain") == "M environments/dev/settings.yaml"
    assert git(team, "branch", "--show-current") == "main"


def test_a_document_that_is_gone_is_gone_in_the_target_too(team: Path) -> None:
    release = team / "environments/dev/release"
    (release / "documents/returns.md").write_text("# Returns\n")
    (release / "documents/getting-help.md").unlink()
    git(team, "add", "--all")
    git(team, "commit", "--quiet", "-m", "other documents")
    done(team, "dev", "staging", "--branch", "next")
    listed = git(team, "ls-tree", "-r", "--name-only", "next", "environments/staging/release/documents")
    assert listed == "environments/staging/release/documents/returns.md"


def test_what_is_not_committed_is_left_out_and_said(team: Path) -> None:
    change(team, "staging", "only here")
    path = team / "environments/dev/release/supportagent.yaml"
    path.write_text(path.read_text().replace(NEW, "later"))
    shown = promote(team, "dev", "staging", "--dry-run")
    assert "are left out" in shown.stderr
    assert "later" not in shown.stdout


def test_environments_that_are_alike_need_no_promotion(team: Path) -> None:
    assert "nothing to promote" in done(team, "staging", "production")
    assert branches(team) == ["main"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("dev", "dev"), "cannot be promoted to itself"),
        (("dev", "live"), "there is no environments/live/release"),
        (("../dev", "staging"), "there is no environments/../dev/release"),
    ],
)
def test_wrong_environments_are_told(team: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in failure(team, *arguments).message


def test_a_branch_that_is_there_is_not_touched(team: Path) -> None:
    git(team, "branch", "next")
    before = git(team, "rev-parse", "next")
    assert "is there already" in failure(team, "dev", "staging", "--branch", "next").message
    assert git(team, "rev-parse", "next") == before


def test_a_folder_outside_of_every_repository_is_told(tmp_path: Path) -> None:
    found = failure(tmp_path, "dev", "staging")
    assert isinstance(found, WrongUsage)
    assert "is in no git repository" in found.message


# The forge


@dataclass
class StandIn:
    """Answers POST /repos/{owner}/{repo}/pulls as GitHub and Gitea document it."""

    status: int = 201
    reply: Any = field(default_factory=lambda: {"html_url": "https://git.acme.example/team/support/pulls/7"})
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def forge() -> Iterator[StandIn]:
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stand_in.requests.append((self.path, self.headers["Authorization"], body))
            said = json.dumps(stand_in.reply).encode()
            self.send_response(stand_in.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    yield stand_in
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pushed(team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A remote on a forge that git reaches by ssh, in whose place a script runs the other side here."""
    script = tmp_path / "ssh"
    script.write_text(f'#!/bin/sh\nfor last; do :; done\ncd {tmp_path / "forge"} && eval "$last"\n')
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    git(team, "remote", "set-url", "origin", "git@git.acme.example:team/support.git")
    git(team, "push", "--quiet", "origin", "main")
    return team


def test_with_a_token_the_branch_is_pushed_and_a_pull_request_opened(
    pushed: Path, forge: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITEA_TOKEN", TOKEN)
    told = done(pushed, "dev", "staging", "--branch", "next", "--token-from", "GITEA_TOKEN", "--forge-api", forge.url)
    assert told.splitlines()[-1] == "https://git.acme.example/team/support/pulls/7"
    ((path, authorization, body),) = forge.requests
    assert path == "/repos/team/support/pulls"
    assert authorization == f"Bearer {TOKEN}"
    assert (body["title"], body["head"], body["base"]) == ("Promote dev to staging", "next", "main")
    assert git(tmp_path / "forge/team/support.git", "rev-parse", "next") == git(pushed, "rev-parse", "next")
    assert TOKEN not in told


def test_a_refusal_of_the_forge_is_told_in_its_own_words_without_the_token(
    pushed: Path, forge: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPPORTPLANE_FORGE_TOKEN", TOKEN)
    forge.status, forge.reply = 422, {"message": "Validation Failed", "errors": [{"message": "no commits"}]}
    found = failure(pushed, "dev", "staging", "--forge-api", forge.url)
    assert isinstance(found, Refused)
    assert "422 Validation Failed; no commits" in found.message
    assert TOKEN not in found.message


def test_a_token_is_never_sent_to_a_host_that_nobody_named(pushed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_FORGE_TOKEN", TOKEN)
    found = failure(pushed, "dev", "staging")
    assert isinstance(found, WrongUsage)
    assert found.hint == "--forge-api https://git.acme.example/api/v1"
    assert branches(pushed) == ["main"]


def test_a_forge_that_is_away_is_told(pushed: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_FORGE_TOKEN", TOKEN)
    found = failure(pushed, "dev", "staging", "--forge-api", f"http://127.0.0.1:{free_port}")
    assert "does not answer" in found.message


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://github.com/acme/support.git", ("github.com", "acme/support")),
        ("https://user:secret@git.acme.example:8443/acme/support", ("git.acme.example", "acme/support")),
        ("git@github.com:acme/support.git", ("github.com", "acme/support")),
        ("ssh://git@git.acme.example:2222/acme/support.git", ("git.acme.example", "acme/support")),
    ],
)
def test_an_address_names_a_host_and_a_project(address: str, told: tuple[str, str]) -> None:
    assert project_of(address) == told


def test_an_address_of_no_forge_is_told_without_its_password() -> None:
    with pytest.raises(WrongUsage, match="names no owner") as caught:
        project_of("https://user:secret@git.acme.example/support.git")
    assert "secret" not in caught.value.message
