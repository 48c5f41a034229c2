import pytest

from supportplane_runtime.orchestrator.language import spoken_language, wishes_in

WISHES = [
    ("en", "get me a real person"),
    ("en", "Is there a human I can chat with?"),
    ("en", "this is useless, I want a manager"),
    ("en", "How do I reach a human here?"),
    ("en", "plz let me talk 2 a human"),
    ("en", "I wnat to tlak to a persn"),
    ("en", "AGENT PLEASE"),
    ("en", "Could somebody give me a call?"),
    ("en", "I don't want to talk to a bot"),
    ("en", "I'd like to make a complaint"),
    ("de", "Ich moechte bitte mit jemandem reden"),
    ("de", "Schluss mit dem Bot, ich will einen Menschen"),
    ("fr", "Y a-t-il quelqu'un à qui je peux parler ?"),
    ("es", "Páseme con un asesor"),
    ("es", "no quiero hablar con una maquina"),
]
NO_WISHES = [
    ("en", "Do I have to talk to someone to activate my card?"),
    ("en", "Can a manager approve refunds?"),
    ("en", "How do I add an agent?"),
    ("en", "I want an agent that answers in German"),
    ("en", "Can I pick up the card in person?"),
    ("en", "Where do I set the name of the support team?"),
    ("en", "call me Ishmael"),
    ("en", "Please advise how to connect to the database"),
    ("en", "I was told by your support to clear the cache, how do I do that?"),
    ("de", "Muss ich mit jemandem sprechen, um zu kündigen?"),
    ("fr", "Dois-je parler à un conseiller pour changer de forfait ?"),
    ("es", "¿Tengo que hablar con alguien para activar la tarjeta?"),
]


@pytest.mark.parametrize(("code", "message"), WISHES, ids=[message for _, message in WISHES])
def test_a_wish_for_a_person_is_found(code: str, message: str) -> None:
    assert wishes_in(message, spoken_language(code)) == code


@pytest.mark.parametrize(("code", "message"), NO_WISHES, ids=[message for _, message in NO_WISHES])
def test_a_question_about_persons_is_no_wish(code: str, message: str) -> None:
    assert wishes_in(message, spoken_language(code)) is None


def test_a_few_words_are_a_wish_in_whatever_language_they_are() -> None:
    assert wishes_in("Mitarbeiter bitte", spoken_language("en")) == "de"
