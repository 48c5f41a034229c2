from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from supportplane_cli.commands import gaps
from supportplane_cli.commands.gaps import format_of, subject_row, tell_what_is_left_out
from supportplane_cli.errors import WrongUsage
from supportplane_cli.registry import cli

ITEM: dict[str, Any] = {
    "subject": "How do I\nrenew?",
    "questions": 4,
    "customers": 3,
    "tickets": 1,
    "declined": 0,
    "out_of_scope": 0,
    "partial": 0,
    "unsure": 2,
    "disliked": 0,
    "last_asked_at": "2026-11-28T20:29:27+02:00",
    "examples": [{"question": "How do I\nrenew?", "comment": None}, {"question": "Where?", "comment": None}],
    "documents": [{"document_id": "keys.md", "title": "Keys", "url": "keys.md"}],
}
REPORT: dict[str, Any] = {
    "since": "2026-11-01T00:00:00Z",
    "questions": 2000,
    "has_more": True,
    "ungrouped": 1,
    "subjects": 3,
    "items": [ITEM],
}


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that has this report."""
    monkeypatch.setattr(gaps, "ask", lambda *_: REPORT)


def test_a_row_tells_who_asked_what_and_why_it_counts() -> None:
    row = [
        "How do I renew?",
        "3",
        "4",
        "2 unsure answers\n1 ticket",
        "2026-11-28",
        "How do I renew?\nWhere?",
        "keys.md",
    ]
    assert subject_row(ITEM) == row
    assert subject_row({**ITEM, "documents": []})[-1] == "-"


def test_what_the_report_leaves_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell_what_is_left_out(REPORT)
    told = capsys.readouterr().err
    assert "2 subjects more" in told
    assert "newest 2000 questions" in told
    assert "1 question not compared" in told
    tell_what_is_left_out({**REPORT, "subjects": 1, "has_more": False, "ungrouped": 0})
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("name", ["gaps.html", "gaps.md"])
def test_a_report_to_print_is_written_for_its_owner_alone(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    result = CliRunner().invoke(cli, ["gaps", "--output", str(file)])
    assert (result.exit_code, "1 subject" in result.stdout) == (0, True)
    assert "How do I renew?" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_any_other_form_of_a_report_is_wrong_usage() -> None:
    assert format_of(Path("a.HTML")) is format_of(Path("b.html"))
    with pytest.raises(WrongUsage, match=r"neither HTML nor Markdown"):
        format_of(Path("gaps.pdf"))


@pytest.mark.usefixtures("running")
def test_the_help_has_examples_and_json_is_the_report() -> None:
    assert "Examples:" in CliRunner().invoke(cli, ["gaps", "--help"]).stdout
    assert '"subjects": 3' in CliRunner().invoke(cli, ["gaps", "--json"]).stdout
