import pytest

from supportplane_cli.client.shapes import Shaper, shaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "| City | EUR |\n|---|--:|\n| 東京 | 4 |\n| Rome | 12 | [1]\n\n",
            "City  EUR\n----  ------\n東京  4\nRome  12 [1]\n\n",
        ),
        ("| a | b\\|c | [2]", "a  b|c [2]"),
        (":::tip[Static address]\nGive it one.\n::: [1]", "TIP: Static address\n  Give it one.\n  [1]"),
        ('!!! warning "Downgrade"\n    It erases scenes.', "WARNING: Downgrade\n  It erases scenes."),
        ("> [!NOTE]\n> At most 48.", "NOTE\n  At most 48."),
        ("1. a\n   - b\n", "1. a\n   - b\n"),
    ],
)
def test_a_block_is_lines_that_a_terminal_shows_well(text: str, shown: str) -> None:
    assert shaped(text) == shown


def test_words_are_shown_as_they_come_and_a_table_when_it_is_whole() -> None:
    shaper = Shaper()
    assert shaper.take("Rates") == "Rates"
    assert shaper.take(" are | these: [1]\n\n|") == " are | these: [1]\n\n"
    assert shaper.take(" A | B |\n|---|---|\n| long ") == ""
    assert shaper.take("| b |\n\nDone") == "A     B\n----  -\nlong  b\n\nDone"
    assert shaper.rest() == ""
