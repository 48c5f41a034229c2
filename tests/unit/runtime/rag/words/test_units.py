import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.languages import language
from supportplane_runtime.rag.words.units import Kind, units

HOW_TO = """To rotate a key:

1. Create a new key with `supportplane keys create`.
   It is shown once.
2. Revoke the old key.

Revoked keys stop working within a minute. They cannot be brought back.
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("See e.g. the docs. Dr. Who wrote v1.2.3 of it.", ["See e.g. the docs.", "Dr. Who wrote v1.2.3 of it."]),
        ("He said \u201cno.\u201d Then he left.", ["He said \u201cno.\u201d", "Then he left."]),
        ("It costs\n5 euros. Really.", ["It costs\n5 euros.", "Really."]),
        ("It takes ca. 10 days (max. 12). Then call.", ["It takes ca. 10 days (max. 12).", "Then call."]),
        ("これは鍵です。古い鍵です。", ["これは鍵です。", "古い鍵です。"]),
        ("「はい。」と答えます。次です。", ["「はい。」と答えます。", "次です。"]),
        ("他说：\u201c好。\u201d然后离开。真的！？好。", ["他说：\u201c好。\u201d", "然后离开。", "真的！？", "好。"]),  # noqa: RUF001
        ("यह कुंजी है। दूसरी कुंजी नहीं है।", ["यह कुंजी है।", "दूसरी कुंजी नहीं है।"]),
        ("هل هذا مفتاح؟ نعم.", ["هل هذا مفتاح؟", "نعم."]),
    ],
)
def test_prose_falls_into_sentences(text: str, expected: list[str]) -> None:
    assert [unit.text for unit in units(text, language("en"))] == expected


def test_lists_code_tables_and_headings_stay_whole() -> None:
    text = f"{HOW_TO}\n```bash\nsupportplane keys revoke\n\necho. Done.\n```\n## More\n| a | b |\n| c | d |\n"
    kinds = [unit.kind for unit in units(text, language("en"))]
    assert kinds == [
        Kind.PROSE, Kind.ITEM, Kind.ITEM, Kind.PROSE, Kind.PROSE, Kind.CODE, Kind.HEADING, Kind.ROW, Kind.ROW,
    ]  # fmt: skip
    assert units(text, language("en"))[1].text.endswith("It is shown once.")


@pytest.mark.parametrize(
    "mark",
    [
        ":::", ":::tip[Advice]", '!!! warning "Beware"', "> [!NOTE]", "import Box from '@site/box'", "</Note>",
        "<div class='a'>", "![Lamp](lamp.png)", "[![Build](b.svg)](ci)", "***", ".. image:: lamp.png",
        "{% include lamp %}", "[TOC]", '<Box\n  title="Lamp"\n/>',
    ],
)  # fmt: skip
def test_markup_is_a_unit_of_its_own(mark: str) -> None:
    found = units(f"Lamps glow.\n{mark}\nLamps fade.", language("en"))
    assert [(unit.kind, unit.text) for unit in found] == [
        (Kind.PROSE, "Lamps glow."),
        (Kind.MARK, mark),
        (Kind.PROSE, "Lamps fade."),
    ]


def test_a_title_line_of_plain_text_is_a_heading() -> None:
    assert [unit.kind for unit in units("Key rotation\nEvery key expires.", language("en"))] == [
        Kind.HEADING,
        Kind.PROSE,
    ]


@given(st.text(alphabet=st.sampled_from("ab. \n-#`1?|A\t"), max_size=200))
def test_units_are_verbatim_in_order_and_leave_nothing_out(text: str) -> None:
    end = 0
    for unit in units(text, language("en")):
        assert text[unit.start : unit.end] == unit.text
        assert not text[end : unit.start].strip()
        end = unit.end
    assert not text[end:].strip()
