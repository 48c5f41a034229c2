import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.main import app
from supportplane_cli.registry import cli

GROUP = typer.main.get_command(cli)
CHANGES = ("up", "down", "ingest", "backup", "restore", "keys create", "keys revoke", "sessions end")
COMMANDS = (
    *CHANGES,
    "status",
    "logs",
    "doctor",
    "ask",
    "chat",
    "validate",
    "link",
    "eval",
    "version",
    "keys list",
    "sessions list",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(command: str) -> None:
    shown = CliRunner().invoke(cli, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.output
    assert f"supportplane {command}" in shown.output


@pytest.mark.parametrize("command", CHANGES)
def test_every_command_that_changes_something_can_be_tried_dry(command: str) -> None:
    assert "--dry-run" in CliRunner().invoke(cli, [*command.split(), "--help"]).output


@pytest.mark.parametrize("command", [["status"], ["ask", "hello"], ["ingest"], ["keys", "list"], ["link"], ["down"]])
def test_nothing_running_is_exit_code_3_and_one_sentence(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["supportplane", *command, "--data-dir", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as caught:
        app()
    assert caught.value.code == 3
    assert "Nothing is running" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_errors_are_json_for_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["supportplane", "status", "--json", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit):
        app()
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 3


def test_exit_codes_differ_by_kind_of_failure() -> None:
    def leaves(kind: type[CommandFailed]) -> list[type[CommandFailed]]:
        return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]

    codes = {kind.__name__: kind.exit_code for kind in leaves(CommandFailed)}
    assert codes["DiskFull"] == codes["DataUnusable"]
    assert len({code for name, code in codes.items() if name != "DiskFull"}) == len(codes) - 1
    assert WrongUsage.exit_code == 2


@pytest.mark.parametrize("module", ["psycopg", "redis", "aiohttp", "supportplane_runtime", "huggingface_hub", "psutil"])
def test_help_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, supportplane_cli.registry; sys.exit('{module}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_wrong_agent_file_is_told_with_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "agent.yaml"
    wrong.write_text(
        "apiVersion: supportplane.io/v1alpha1\nkind: SupportAgent\nmetadata: {name: a}\nspec: {modle: 1}\n"
    )
    monkeypatch.setattr(sys, "argv", ["supportplane", "validate", "-f", str(wrong)])
    with pytest.raises(SystemExit) as caught:
        app()
    assert caught.value.code == 1
    assert "spec.modle" in capsys.readouterr().err


def test_ctrl_c_while_the_commands_are_loaded_ends_without_a_traceback() -> None:
    program = """
import sys
from importlib.abc import MetaPathFinder

class CtrlC(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "supportplane_cli.registry":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
sys.argv = ["supportplane", "status"]
from supportplane_cli.main import app
app()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
