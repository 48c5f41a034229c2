import pytest

from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.events import events


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("Scan the code before you pay", "scan the code", "you pay"),
        ("Once the code is scanned, pay", "the code is scanned", "pay"),
        ("Before you pay, scan the code", "scan the code", "you pay"),
        ("Close the lock and only then end the ride", "close the lock", "only end the ride"),
        ("Update it only after the battery is full", "the battery is full", "update it only"),
        ("We send a letter, and after that an officer calls", "we send a letter, and", "an officer calls"),
        ("Start the client and install the certificate afterwards", "start the client", "install the certificate"),
        ("Two days after the start, the file is gone", "the start", "the file is gone"),
        ("Do not start the client before the lamp is off", "the lamp is off", "do not start the client"),
    ],
)
def test_words_of_order_say_what_comes_first(text: str, first: str, second: str) -> None:
    found = [
        (" ".join(one.split()).strip("."), " ".join(other.split()).strip("."))
        for one, other in events(text, language("en"))
    ]
    assert found == [(first, second)]


def test_in_german_the_verb_stands_before_then() -> None:
    (found,) = events("Bleche herausnehmen und starten Sie dann das Programm", language("de"))
    assert "starten" in found[1]
    assert "bleche" in found[0]


def test_the_first_day_orders_nothing() -> None:
    assert not list(events("The first day is free", language("en")))
