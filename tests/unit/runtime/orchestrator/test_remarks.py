"""Messages about the conversation, in the languages whose words for them are known."""

import pytest

from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.remarks import awaits, begins_with_rejection, denies_only, rejects

REJECTIONS = {
    "en": [
        "that did not help", "no, that's not it", "wrong", "this is not what I asked", "useless", "nope", "not helpful",
        "That doesn't answer my question.", "still not working", "it does not work", "I already tried that",
        "you misunderstood me", "makes no sense", "this isn't what I'm looking for", "didn't help", "doesnt work",
        "that was not my question", "bad answer", "not really", "I don't understand", "it still fails",
    ],
    "de": [
        "das hat nicht geholfen", "nein, das ist es nicht", "falsch", "das war nicht meine Frage", "funktioniert nicht",
        "das beantwortet meine Frage nicht", "hilft mir nicht weiter", "das stimmt nicht", "habe ich schon probiert",
        "das meinte ich nicht", "geht immer noch nicht",
    ],
    "fr": ["ça ne m'a pas aidé", "non, ce n'est pas ça", "c'est faux", "ce n'est pas ma question"],
    "es": ["eso no ayudó", "no, no es eso", "está mal", "no es lo que pregunté"],
}  # fmt: skip
OTHERS = {
    "en": [
        "that helped", "why not?", "how long does it take?", "no invoice was sent", "is that right?", "thanks",
        "that did not help, the ring is red", "My order is wrong", "It does not print", "no thanks",
    ],
    "de": ["das hat geholfen", "warum nicht?", "die Rechnung ist falsch", "es druckt nicht", "nein danke"],
    "fr": ["merci", "ma facture est fausse"],
    "es": ["gracias", "mi factura está mal"],
}  # fmt: skip
AWAITS = {
    "en": ["any news?", "is anyone there?", "still waiting", "what is the status of my ticket?", "any update yet?"],
    "de": ["gibt es Neuigkeiten?", "wann meldet sich jemand?", "ist da jemand?"],
    "fr": ["des nouvelles ?", "j'attends toujours"],
    "es": ["¿alguna novedad?", "sigue alguien ahí?"],
}  # fmt: skip


def rows(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(code, message) for code, messages in table.items() for message in messages]


@pytest.mark.parametrize(("code", "message"), rows(REJECTIONS))
def test_an_answer_that_did_not_help_is_recognised(code: str, message: str) -> None:
    assert rejects(message, spoken_language(code))


@pytest.mark.parametrize(("code", "message"), rows(OTHERS))
def test_what_says_something_else_is_no_rejection(code: str, message: str) -> None:
    assert not rejects(message, spoken_language(code))


@pytest.mark.parametrize(("code", "message"), rows(AWAITS))
def test_asking_after_a_person_is_recognised(code: str, message: str) -> None:
    assert awaits(message, spoken_language(code))


@pytest.mark.parametrize("message", ["When is the workshop open?", "How do I open a ticket for a refund?", "it fails"])
def test_a_question_about_the_product_asks_after_no_person(message: str) -> None:
    assert not awaits(message, spoken_language("en"))


def test_what_follows_a_rejection_is_what_is_asked() -> None:
    english = spoken_language("en")
    assert begins_with_rejection("No. How can I pay?", english) == "How can I pay?"
    assert begins_with_rejection("that did not help, the ring is red", english) == "the ring is red"
    assert begins_with_rejection("How can I pay? Not by card.", english) is None
    assert begins_with_rejection("no, that's not it", english) is None


def test_a_mere_no_is_told_from_a_complaint() -> None:
    assert denies_only("No.", spoken_language("en"))
    assert denies_only("Nein", spoken_language("de"))
    assert not denies_only("no invoice", spoken_language("en"))
