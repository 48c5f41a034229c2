from importlib import resources
from pathlib import Path

import pytest
import snowballstemmer

from supportplane_runtime.languages import BrokenLanguage, Language, Opposite, codes, language, parse

ENGLISH = (resources.files("supportplane_runtime.languages") / "en.yaml").read_text("utf-8")
COMPLETE = (
    "stemmer: danish\nfunction_words: og i\ndenials: ikke aldrig\nabbreviations: bl.a\nleaning_words: den det\n"
    "opposites: [{says: Nøgler udløber ikke., never: Nøgler udløber.}]\n"
)


def written(folder: Path, text: str) -> Path:
    file = folder / "da.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("code", codes())
def test_every_file_describes_a_language_whose_stemmer_exists(code: str) -> None:
    known = language(code)
    assert known.code == code
    assert known.stemmer is None or known.stemmer in snowballstemmer.algorithms()
    assert all(word == word.casefold() for word in known.denials or ())


def test_the_denials_of_a_language_come_with_sentences_that_try_them(tmp_path: Path) -> None:
    with pytest.raises(BrokenLanguage, match=r"^da.yaml: Value error, denials and opposites: each needs the other"):
        parse("da", written(tmp_path, "denials: ikke aldrig\n"))


def test_a_language_without_a_file_has_only_what_english_lends_it_and_its_denials_are_unknown() -> None:
    english = language("en")
    lent = Language("xx", abbreviations=english.abbreviations, leaning_words=english.leaning_words)
    assert english.abbreviations
    assert english.leaning_words
    assert language("xx") == lent
    assert language("xx").denials is None


@pytest.mark.parametrize(("tag", "code"), [("pt-BR", "pt"), ("DE", "de"), ("zh-Hans-CN", "zh"), ("../en", "../en")])
def test_the_first_part_of_a_tag_tells_the_language(tag: str, code: str) -> None:
    assert language(tag).code == code


def test_norwegian_has_one_list_under_three_codes() -> None:
    assert language("nb").function_words == language("nn").function_words == language("no").function_words
    assert language("nb").code == "nb"


def test_a_new_language_is_one_file(tmp_path: Path) -> None:
    assert parse("da", written(tmp_path, COMPLETE)) == Language(
        code="da",
        stemmer="danish",
        function_words=frozenset({"og", "i"}),
        denials=frozenset({"ikke", "aldrig"}),
        opposites=(Opposite("Nøgler udløber ikke.", "Nøgler udløber."),),
        abbreviations=frozenset({"bl.a"}),
        leaning_words=frozenset({"den", "det"}),
    )


BROKEN = [
    ("stemer: danish\n", "da.yaml: stemer: Unexpected keyword argument"),
    ("denials: ''\n", "da.yaml: denials: Value should have at least 1 item"),
    ("denials: [ikke, 1]\n", "da.yaml: denials.1: Input should be a valid string"),
    ("function_words: {og: i}\n", "da.yaml: function_words: Input should be a valid frozenset"),
    ("- ikke\n", "da.yaml must hold keys with values"),
    ("", "da.yaml must hold keys with values"),
    ("denials: [ikke\n", "da.yaml is no YAML: "),
    ("like: xx\n", "da.yaml: like: must be another language that has a file, not xx"),
    ("like: da\n", "da.yaml: like: must be another language that has a file, not da"),
    (
        ENGLISH.replace("ask_back:", "asks_back:"),
        "da.yaml: speech.replies: Value error, lacks ask_back; unknown: asks_",
    ),
    (
        ENGLISH.replace("    greeting: Hello! W", "    greeting: ''\n    w: W"),
        "da.yaml: speech.replies.greeting: String",
    ),
    (
        ENGLISH.replace("    thanks: [", "    thank: ["),
        "da.yaml: speech.small_talk: Value error, lacks thanks; unknown: th",
    ),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_named_with_the_key_and_the_reason(tmp_path: Path, text: str, message: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(BrokenLanguage) as error:
        parse("da", file)
    assert str(error.value).startswith(message)
