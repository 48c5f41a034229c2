from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
from ruamel.yaml import YAML

from supportplane_runtime.orchestrator.language import detect, spoken_language, spoken_languages, wishes_in

DATA: Final = Path(__file__).parent / "data"

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
    ("en", "Could a technician call me back?"),
    ("en", "Who can I talk to about my invoice?"),
    ("en", "Nothing here helped. Real human now."),
    ("ru", "мне нужен живой человек"),
    ("ja", "人と話したいです"),
    ("ko", "사람이랑 얘기하고 싶어요"),
    ("ar", "حولني إلى موظف"),
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
    ("en", "am I speaking with a program or with a colleague of yours, a human"),
    ("en", "billing"),
    ("pl", "nie działa"),
    ("zh", "人工智能模型怎么配置"),
    ("ja", "個人情報を削除したい"),
    ("ko", "상담원을 어떻게 추가하나요?"),
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


def found_of(file: str) -> Mapping[str, Sequence[bool]]:
    """By language, of each wish whether it is found in whatever language the message seems to have."""
    lists = YAML(typ="safe").load((DATA / file).read_text("utf-8"))
    return {
        code: [wishes_in(wish, spoken_language(detect(wish, expected="en"))) is not None for wish in wishes]
        for code, wishes in lists.items()
    }


@pytest.mark.parametrize("file", ["wishes.yaml", "wishes_later.yaml", "wishes_third.yaml"])
def test_nineteen_of_twenty_wishes_are_found_and_nine_of_ten_in_each_language(file: str) -> None:
    found = found_of(file)
    assert found.keys() == spoken_languages().keys()
    every = [each for of_language in found.values() for each in of_language]
    assert sum(every) >= 0.95 * len(every)
    assert [code for code, each in found.items() if each.count(False) > max(1, len(each) // 10)] == []


@pytest.mark.parametrize(
    "message", ["agent talk " * 700, "who can i " * 800, "please, " * 900, "転" * 8000, "!?. " * 2000]
)
@pytest.mark.timeout(10)
def test_a_hostile_message_is_tried_at_once(message: str) -> None:
    for spoken in spoken_languages().values():
        assert wishes_in(message[:8000], spoken) in {None, *spoken_languages()}
