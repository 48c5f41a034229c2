import pytest

from supportplane_runtime.languages import SMALL_TALK
from supportplane_runtime.orchestrator.language import detect, spoken_language, spoken_languages
from supportplane_runtime.orchestrator.phrases import plain

ENGLISH = spoken_language("en")


@pytest.mark.parametrize("code", sorted(spoken_languages()))
def test_every_language_says_everything_english_says(code: str) -> None:
    known = spoken_languages()[code]
    assert known.replies.keys() == ENGLISH.replies.keys()
    assert known.progress.keys() == ENGLISH.progress.keys()
    assert all(text.strip() for text in [*known.replies.values(), *known.progress.values()])


@pytest.mark.parametrize("code", sorted(spoken_languages()))
def test_every_kind_of_small_talk_has_a_reply(code: str) -> None:
    assert set(SMALL_TALK) <= spoken_languages()[code].replies.keys()


def test_no_two_languages_ask_back_in_the_same_words() -> None:
    assert len({known.replies["ask_back"] for known in spoken_languages().values()}) == len(spoken_languages())


@pytest.mark.parametrize(
    ("code", "found"), [("de-AT", "de"), ("DE", "de"), ("en", "en"), ("xx", "en"), ("xx-Latn", "en")]
)
def test_a_language_without_a_file_falls_back_to_english(code: str, found: str) -> None:
    assert spoken_language(code).code == found


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        ("Wo ist das Logfile?", "en", "de"),
        ("Où sont les fichiers journaux ?", "en", "fr"),
        ("¿Dónde están los registros?", "en", "es"),
        ("Where are the logs?", "de", "en"),
        ("Passwort vergessen", "en", "de"),
        ("mot de passe oublié", "en", "fr"),
        ("supportplane up --data-dir /tmp", "en", "en"),
        ("supportplane --data-dir /tmp", "fr", "fr"),
        ("", "es", "es"),
        ("Does MontanaVA carry J&J booster shots?", "en", "en"),
    ],
)
def test_the_language_is_the_expected_one_unless_the_words_say_another(text: str, expected: str, found: str) -> None:
    assert detect(text, expected=expected) == found


def test_plain_text_has_no_punctuation_and_no_case() -> None:
    assert plain("  What's UP,  d\u2019accord?! ") == "what s up d accord"
