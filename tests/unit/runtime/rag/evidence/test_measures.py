from fractions import Fraction

import pytest

from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.measures import in_plain_numbers, quantities, ranges


def amounts(text: str, code: str = "en") -> list[set[tuple[str, float]]]:
    return [{(unit, float(value)) for unit, value in each.amounts} for each in quantities(text, language(code))]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("within ten seconds", "within 10 s"),
        ("4,000 words", "4000 words"),
        ("7 days", "one week, or a week"),
        ("8 in the evening", "8 p.m."),
        ("8:30 p.m.", "8:30pm"),
        ("6-feet", "6 feet"),
        ("30 to 100 dollars", "$30-$100"),
        ("calculated hourly", "calculated every hour"),
        ("64 KiB", "64 KiB"),
    ],
)
def test_the_same_quantity_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert amounts(one)[0] & amounts(other)[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [("64 KiB", "64 KB"), ("8 a.m.", "8 p.m."), ("200 TB", "200 GB"), ("5 miles", "5 km"), ("10 dollars", "10 euros")],
)
def test_another_unit_is_another_quantity(one: str, other: str) -> None:
    assert not amounts(one)[0] & amounts(other)[0]


def test_a_range_gives_its_unit_to_both_ends() -> None:
    text = "Please allow 2-3 business days."
    found = quantities(text, language("en"))
    assert [each.unit for each in found] == ["day", "day"]
    assert [(low.values, high.values) for low, high in ranges(text, found)] == [
        (frozenset({Fraction(2)}), frozenset({Fraction(3)}))
    ]


def test_a_separator_may_mean_thousands_or_a_fraction() -> None:
    (found,) = quantities("8.000 Zeichen", language("de"))
    assert found.values == {Fraction(8), Fraction(8000)}


@pytest.mark.parametrize("text", ["127.0.0.1", "version 1.2.3", "M10", "rs0", "\u017fix boxes"])
def test_addresses_versions_and_names_are_no_quantities(text: str) -> None:
    assert quantities(text, language("en")) == ()


def test_quantities_are_written_in_one_way_for_comparing_words() -> None:
    assert in_plain_numbers("at most 8,000 characters in ten seconds", language("en")) == (
        "at most 8000 character in 10 second"
    )
