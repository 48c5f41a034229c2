"""What is generated is what is committed, and the command says so."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from supportplane_crds import generate
from supportplane_crds.generate import REPOSITORY, generated_files, outdated
from supportplane_crds.load import KINDS
from supportplane_crds.structural import custom_resource_definition


def test_the_committed_files_are_those_that_the_models_make() -> None:
    assert outdated(generated_files(), REPOSITORY) == [], "run make generate"


def test_a_file_that_says_something_else_or_is_missing_is_out_of_date(tmp_path: Path) -> None:
    same, other, missing = Path("a.yaml"), Path("b.yaml"), Path("c/d.yaml")
    (tmp_path / same).write_text("1")
    (tmp_path / other).write_text("1")
    assert outdated({same: "1", other: "2", missing: "3"}, tmp_path) == [other, missing]


def test_the_command_writes_what_is_out_of_date_and_then_finds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = generated_files()
    monkeypatch.setattr(generate, "REPOSITORY", tmp_path)
    monkeypatch.setattr(generate, "generated_files", lambda: files)
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    assert generate.main() == 1
    assert capsys.readouterr().err.count("is out of date: run make generate") == len(files)
    monkeypatch.setattr(sys, "argv", ["generate"])
    assert generate.main() == 0
    assert outdated(files, tmp_path) == []
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    assert generate.main() == 0


def test_the_check_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "supportplane_crds.generate", "--check"]
    assert subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_yaml_says_what_the_definition_says(kind: type) -> None:
    definition = custom_resource_definition(kind)
    text = (REPOSITORY / f"crds/{definition['metadata']['name']}.yaml").read_text(encoding="utf-8")
    assert YAML(typ="safe", pure=True).load(text) == definition


def test_the_reference_page_describes_every_field_with_a_value() -> None:
    page = (REPOSITORY / "docs/reference/supportagent.md").read_text(encoding="utf-8")
    for expected in (
        "`spec.template.orchestrator.turnTimeout`: Longest time a turn may take",
        "The default is `1m`.",
        "`spec.sources[].baseURL`",
        "set exactly one of embedded",
    ):
        assert expected in page
