from datetime import date

import pytest

from supportplane_runtime.rag.documents.content import Content, Format
from supportplane_runtime.rag.documents.readers import FORMATS, by_suffix, found_formats, read

TODAY = date(2026, 1, 1)


def format_of(name: str, *suffixes: str) -> Format:
    return Format(name, suffixes, lambda content: Content("", content.decode(), None, {}))


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.md", b"# One\n", "# One\n"),
        ("a.TXT", b"Two", "Two"),
        ("a.html", b"<h1>Three</h1>", "# Three"),
        ("a.HTM", b"<h1>Four</h1>", "# Four"),
        ("a.rst", b"<h1>Five</h1>", "Five"),
        ("a", b"Six", "Six"),
    ],
)
def test_the_suffix_decides_how_a_file_is_read_and_any_other_is_markdown(name: str, content: bytes, text: str) -> None:
    assert read(content, name, TODAY).text.strip() == text.strip()


def test_every_format_claims_suffixes_in_the_spelling_in_which_they_are_looked_for() -> None:
    assert {each.name for each in found_formats()} == {each.name for each in FORMATS.values()}
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in FORMATS)


def test_two_formats_with_the_same_suffix_are_refused_by_their_names() -> None:
    with pytest.raises(ValueError, match=r"\.csv is the suffix of two formats, CSV and table"):
        by_suffix([format_of("CSV", ".csv"), format_of("table", ".tsv", ".csv")])
