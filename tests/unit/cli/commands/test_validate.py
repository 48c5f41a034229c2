import json
from pathlib import Path

import pytest

from support.laptop.running_agent import AGENT, GUIDE
from supportplane_cli.commands.validate import validate
from supportplane_cli.errors import CommandFailed

BROKEN = b"# Broken\n\nGr\xfc\xdfe.\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "returns.md").write_text(GUIDE)
    path = tmp_path / "agent.yaml"
    path.write_text(AGENT.format(writing="Disabled", model="{embedded: {}}"))
    return path


def test_files_that_are_left_out_are_named_and_the_file_is_valid(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file.parent / "guide" / "broken.md").write_bytes(BROKEN)
    (file.parent / "guide" / "notes.rst").write_text("Notes")
    validate(file)
    _, left_out, unselected = capsys.readouterr().out.splitlines()
    assert left_out.startswith("  left out guide/broken.md is not UTF-8")
    assert unselected == "  guide/guide: no include pattern selects these files: 1 .rst"
    validate(file, as_json=True)
    (facts,) = json.loads(capsys.readouterr().out)["left_out"]
    assert [each["name"] for each in facts["skipped"]] == ["guide/broken.md"]
    assert facts["unselected"] == [{"source": "guide", "files": [[".rst", 1]]}]


def test_a_source_of_which_no_file_can_be_read_is_wrong(file: Path) -> None:
    (file.parent / "guide" / "returns.md").write_bytes(BROKEN)
    with pytest.raises(CommandFailed, match=r"spec\.sources\[0\]: no file can be read: guide/returns\.md is not UTF-8"):
        validate(file)


def test_a_source_of_which_no_pattern_selects_a_file_is_wrong(file: Path) -> None:
    (file.parent / "guide" / "returns.md").rename(file.parent / "guide" / "returns.rst")
    with pytest.raises(CommandFailed, match=r"spec\.sources\[0\]: .*matches its include patterns"):
        validate(file)


def test_a_file_without_anything_left_out_has_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(file)
    assert len(capsys.readouterr().out.splitlines()) == 1
