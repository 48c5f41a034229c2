import pytest

from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.parts import parts


def texts(message: str, code: str = "en") -> list[str]:
    return [part.text for part in parts(message, spoken_language(code)) if part.is_question]


def sides(message: str, code: str = "en") -> list[str]:
    return [part.text for part in parts(message, spoken_language(code)) if not part.is_question]


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("en", "When is the shop open and how can I pay?", ["When is the shop open", "how can I pay?"]),
        (
            "en",
            "Do you buy used bikes? And are helmets included?",
            ["Do you buy used bikes?", "And are helmets included?"],
        ),
        ("en", "What is a token, and is it secret?", ["What is a token", "is it secret?"]),
        (
            "de",
            "Wann ist der Laden offen und wie kann ich bezahlen?",
            ["Wann ist der Laden offen", "wie kann ich bezahlen?"],
        ),
        (
            "fr",
            "Quand êtes-vous ouverts et comment puis-je payer ?",
            ["Quand êtes-vous ouverts", "comment puis-je payer ?"],
        ),
        ("es", "¿Cuándo abre la tienda y cómo puedo pagar?", ["¿Cuándo abre la tienda", "cómo puedo pagar?"]),
        ("en", "営業時間は\uff1f支払い方法は\uff1f", ["営業時間は\uff1f", "支払い方法は\uff1f"]),
    ],
)
def test_a_message_that_asks_two_things_has_two_parts(code: str, message: str, expected: list[str]) -> None:
    assert texts(message, code) == expected


@pytest.mark.parametrize(
    "message",
    [
        "How do I rotate a key?",
        "My key leaked and I rotated it. How do I revoke the old one?",
        "It does not start. What can I do?",
        "The lamp is dark! Why? And what can I do?",
        "Open and close the valve",
        "Do I need a token or is a password enough?",
        "",
    ],
)
def test_a_message_that_asks_one_thing_has_no_parts(message: str) -> None:
    assert texts(message) == []


def test_a_letter_stays_whole() -> None:
    assert parts("Why is that? " * 80, spoken_language("en")) == ()


def test_a_part_is_searched_with_what_it_leans_on() -> None:
    found = parts(
        "I moved to Rome. What is a token, and is it secret? How do I pay the invoice?", spoken_language("en")
    )
    assert [part.query for part in found] == [
        "I moved to Rome.\nWhat is a token",
        "I moved to Rome.\nWhat is a token\nis it secret?",
        "I moved to Rome.\nHow do I pay the invoice?",
    ]
    first, _ = parts("When is it open and how can I pay there?", spoken_language("en"), before="Is there a shop?")
    assert first.query.startswith("Is there a shop?\n")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Can it count submissions of a form and clicks on outgoing links?",
            ["Can it count submissions of a form", "clicks on outgoing links"],
        ),
        ("What is the difference between the Team plan and the Business plan?", 2),
        ("Team vs Business", ["Team", "Business"]),
        ("How do I export users and groups?", []),
    ],
)
def test_two_things_in_one_question_are_sides(message: str, expected: list[str] | int) -> None:
    found = sides(message)
    assert len(found) == expected if isinstance(expected, int) else found == expected
