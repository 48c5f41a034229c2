import json

import pytest

from supportplane_cli.console import emit, emit_line, note, report, say, table, visible
from supportplane_cli.errors import CommandFailed

WRITES_THE_CLIPBOARD = "\x1b]52;c;cHduZWQ=\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (WRITES_THE_CLIPBOARD, "\\u001b]52;c;cHduZWQ=\\u0007"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("\x9b31mred\x7f", "\\u009b31mred\\u007f"),
        ("over\rwritten", "over\\u000dwritten"),
        ("invoice \u202efdp.exe\u202c \u2066a\u2069", "invoice \\u202efdp.exe\\u202c \\u2066a\\u2069"),
        ("half of a pair \udcff", "half of a pair \\udcff"),
    ],
)
def test_what_would_act_on_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\tand a tab",
        "Grüße, 你好, नमस्ते",
        "👩\u200d👩\u200d👧",
        "\u200fשלום\u200e (\u061cابجد)",
        "می\u200cخواهم",
    ],
)
def test_the_text_of_every_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_line_end_of_windows_is_a_line_end() -> None:
    assert visible("one\r\ntwo") == "one\ntwo"


def test_json_keeps_its_value_and_loses_what_acts_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"text": "".join(map(chr, range(0xA1))) + "\u202e\u2069 ü", "half": "\udcff"}
    emit(value)
    emit_line(value)
    shown = capsys.readouterr().out
    assert json.loads(shown[: shown.index("\n}") + 2]) == json.loads(shown.splitlines()[-1]) == value
    assert visible(shown) == shown
    assert "ü" in shown


def test_whatever_is_said_of_a_hostile_text_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    say(WRITES_THE_CLIPBOARD)
    note(WRITES_THE_CLIPBOARD)
    table(("name",), [(WRITES_THE_CLIPBOARD,)])
    report(CommandFailed(WRITES_THE_CLIPBOARD, hint=WRITES_THE_CLIPBOARD), as_json=False)
    shown = capsys.readouterr()
    for stream, times in ((shown.out, 2), (shown.err, 3)):
        assert stream.count("\\u001b]52;c;cHduZWQ=\\u0007") == times
        assert visible(stream) == stream


def test_a_cell_of_a_table_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name",), [("[bold]shop[/nonsense]",)])
    assert "[bold]shop[/nonsense]" in capsys.readouterr().out
