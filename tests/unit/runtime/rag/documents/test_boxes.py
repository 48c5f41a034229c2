import pytest

from supportplane_runtime.rag.documents.boxes import without_boxes
from supportplane_runtime.rag.documents.formats.markdown import read_markdown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('!!! warning "Before you begin"\n    Unplug it.\n', "**Before you begin:** Unplug it.\n"),
        ("!!! tip\n\n    Oil the lid.\n\n    Then close it.\n", "**Tip:** Oil the lid.\n\nThen close it.\n"),
        ('??? note "What if it rattles?"\n    Tighten it.\n', "**What if it rattles?** Tighten it.\n"),
        ('!!! note ""\n    Oil the lid.\n', "Oil the lid.\n"),
        ("!!! info inline end\n    Oil it.\n", "**Info:** Oil it.\n"),
        ("Wait.\n!!! note\n    Oil it.\nGo.\n", "Wait.\n\n**Note:** Oil it.\n\nGo.\n"),
        ("!!! note\n\nOil it.\n", "Oil it.\n"),
        ('!!! note "Parts"\n    - lid\n    - base\n', "**Parts:**\n\n- lid\n- base\n"),
        ('!!! note "Run"\n    ```\n    kettle\n      !!! on\n    ```\n', "**Run:**\n\n```\nkettle\n  !!! on\n```\n"),
        ('!!! note "Outer"\n    !!! tip "Inner"\n        Oil it.\n', "**Outer:**\n\n**Inner:** Oil it.\n"),
        ("1. Open it\n\n    !!! tip\n        Oil it.\n\n2. Go\n", "1. Open it\n\n    **Tip:** Oil it.\n\n2. Go\n"),
        (
            '=== "On Linux"\n\n    ```sh\n    make\n    ```\n\n=== "On a Mac"\n\n    Ask.\n',
            "**On Linux:**\n\n```sh\nmake\n```\n\n**On a Mac:** Ask.\n",
        ),
        ("Kettle\n:   Boils water\n    in minutes.\n\n    Is red.\n", "Kettle: Boils water\nin minutes.\n\nIs red.\n"),
        ("Kettle\n\n: Boils water.\n\n: Is red.\n", "Kettle: Boils water.\n\nIs red.\n"),
        ("## `SIZE`\n\n: Of the\nlid.\n\n    Defaults to 4.\n", "## `SIZE`\n\nOf the\nlid.\n\nDefaults to 4.\n"),
    ],
)  # fmt: skip
def test_a_box_a_tab_and_a_definition_are_text_under_a_name(source: str, shown: str) -> None:
    assert without_boxes(source) == shown


@pytest.mark.parametrize(
    "source",
    [
        "```md\n!!! tip\n    Oil it.\n```",
        '    !!! tip "indented code"\n        Oil it.\n',
        "What??? note that.",
        "A heading\n===\n\nText!!!",
        "- one\n- two\n\n: no definition",
    ],
)
def test_what_is_no_mark_stays(source: str) -> None:
    assert without_boxes(source) == source


@pytest.mark.parametrize("piece", ["!!! tip\n", '    !!! tip "a"\n', "a\n: b\n", '=== "', ": ", "\n\n: ", " !!! a\n  "])
def test_a_long_file_of_marks_is_read_in_time(piece: str) -> None:
    deep = "".join(f"{' ' * n}!!! tip\n" for n in range(600))
    assert without_boxes(piece * (60_000 // len(piece)) + deep) is not None


def test_the_lists_of_a_box_are_those_of_the_page() -> None:
    read = read_markdown(b'# Form\n\n!!! danger "Careful"\n    1. Sign it\n    2. Send it\n')
    assert read.text == "# Form\n\n**Careful:**\n\n1. Sign it\n2. Send it\n"
