import os
import socket
from pathlib import Path

import pytest

from supportplane_cli.checks import Level, Verdict, examine, log_of
from supportplane_cli.paths import DataDir
from supportplane_cli.private_files import write_private
from supportplane_cli.state import PartState, State


def verdicts(data: DataDir, port: int) -> dict[str, Verdict]:
    return {verdict.check: verdict for verdict in examine(data, port)}


def test_a_machine_without_an_agent_is_well(tmp_path: Path, free_port: int) -> None:
    found = verdicts(DataDir(tmp_path / "none"), free_port)
    assert {verdict.level for verdict in found.values()} == {Level.OK}
    assert {"python", "postgresql", "redis", "model weights", "disk", "port"} == set(found)


def test_a_taken_port_names_who_has_it_and_another_one(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        verdict = verdicts(DataDir(tmp_path / "none"), server.getsockname()[1])["port"]
    assert verdict.level is Level.FAILED
    assert f"(pid {os.getpid()})" in verdict.detail
    assert "--port" in str(verdict.hint)


def test_a_key_that_others_can_read_is_a_failure_with_the_command_that_closes_it(
    tmp_path: Path, free_port: int
) -> None:
    data = DataDir(tmp_path)
    write_private(data.api_key, "sk_test")
    assert "secrets" not in verdicts(data, free_port)
    data.api_key.chmod(0o644)
    verdict = verdicts(data, free_port)["secrets"]
    assert (verdict.level, verdict.hint) == (Level.FAILED, f"chmod 600 {data.api_key}")


def test_a_folder_open_to_all_is_a_warning(tmp_path: Path, free_port: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o755)
    assert verdicts(DataDir(folder), free_port)["data directory"].level is Level.WARNING


def test_a_damaged_database_folder_and_a_newer_release_are_failures(tmp_path: Path, free_port: int) -> None:
    data = DataDir(tmp_path)
    (data.postgres / "data").mkdir(parents=True)
    data.layout.write_text('{"layout": 9, "release": "9.0"}')
    found = verdicts(data, free_port)
    assert found["database folder"].level is Level.FAILED
    assert "written by supportplane 9.0" in found["release"].detail


@pytest.mark.parametrize(
    ("reported", "log"),
    [
        ("database", "postgres"),
        ("schema", "migrate"),
        ("cache", "gateway"),  # a Redis of one's own
        ("model", "gateway"),  # the same
        ("knowledge", "knowledge"),
        ("what a later release reports on", "gateway"),
    ],
)
def test_a_hint_names_a_log_that_there_is(reported: str, log: str) -> None:
    parts = tuple(PartState(name, 1, 0.0, "127.0.0.1:1", f"{name}.log") for name in ("gateway", "postgres"))
    state = State(1, "running", "http://127.0.0.1:1", "agent.yaml", "t", 0.0, "0", environment={}, parts=parts)
    assert log_of(reported, state) == log
