from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.evidence.sentences import MAX_CHARACTERS, MAX_LED_IN, Quotation, pick
from supportplane_runtime.rag.words.lexemes import lexemes

HOW_TO = """To rotate a key:

1. Create a new key with `supportplane keys create`.
   It is shown once.
2. Revoke the old key.

Revoked keys stop working within a minute. They cannot be brought back.
"""


ENGLISH = language("en")


def passages(*texts: str, scores: tuple[float, ...] = (), heading: str = "") -> list[Passage]:
    path = (heading,) if heading else ()
    return [Passage(text, "", path, ENGLISH, scores[n] if scores else 0.9) for n, text in enumerate(texts)]


def picked(question: str, *texts: str, scores: tuple[float, ...] = ()) -> list[Quotation]:
    return pick(question, passages(*texts, scores=scores), dict.fromkeys(lexemes(question, ENGLISH), 1.0))


@given(st.text(alphabet=st.sampled_from("key rotate. \n-#`?"), max_size=200))
def test_what_is_quoted_stands_in_the_passage(text: str) -> None:
    for quotation in picked("rotate key", text):
        assert quotation.text in text


def test_a_lead_in_takes_its_list_along() -> None:
    quotations = picked("How do I rotate a key?", HOW_TO)
    assert quotations[0].text.startswith("To rotate a key:")
    assert "2. Revoke the old key." in quotations[0].text


def test_the_sentence_that_holds_the_question_is_quoted() -> None:
    passage = "Bananas are yellow. " * 20 + "A key lives for ninety days. " + "Apples are red. " * 20
    assert "A key lives for ninety days." in [each.text for each in picked("How long does a key live?", passage)]


def test_a_sentence_that_leans_on_the_one_before_brings_it() -> None:
    passage = (
        "The trial period has limits. They apply to exports and to imports of data. " + "Other things exist. " * 30
    )
    texts = [each.text for each in picked("exports imports data", passage)]
    assert texts[:2] == ["The trial period has limits.", "They apply to exports and to imports of data."]


def test_a_question_in_the_passage_is_answered_by_what_follows_it() -> None:
    passage = "How long do sessions last? Twelve hours at most. Colours can be changed in the settings of the page."
    texts = [each.text for each in picked("How long do sessions last?", passage)]
    assert "Twelve hours at most." in texts
    assert "How long do sessions last?" not in texts


def test_the_first_passage_is_enough_when_it_covers_the_question() -> None:
    found = picked("rotate a key", HOW_TO, "You rotate a key by rotating a key.")
    assert {each.passage for each in found} == {0}


def test_another_passage_adds_what_the_first_lacks() -> None:
    found = picked(
        "rotate a key on Windows with proxies",
        HOW_TO,
        "On Windows with proxies, set the variable first.",
        scores=(0.9, 0.8),
    )
    assert found[-1] == Quotation(1, "On Windows with proxies, set the variable first.")


def test_a_much_worse_find_adds_nothing() -> None:
    found = picked("rotate a key on Windows", HOW_TO, "Windows is great.", scores=(0.9, 0.3))
    assert {each.passage for each in found} == {0}


def test_a_question_without_a_word_in_common_gets_the_beginning() -> None:
    assert picked("Wie geht das?", "First things first. Then the rest.")[0].text == "First things first."


def test_a_very_long_passage_is_not_quoted_whole() -> None:
    passage = " ".join(f"The key number {n} is rotated every day by someone." for n in range(60))
    assert sum(len(each.text) for each in picked("key rotated", passage)) <= MAX_CHARACTERS + MAX_LED_IN


def test_no_passage_is_no_quotation() -> None:
    assert pick("anything", [], {}) == []


def test_the_answer_to_a_question_that_is_the_heading_is_what_stands_first_below_it() -> None:
    text = "Our lamps speak to Aria and to Nelli. They ignore Borealis.\n\nAssistants of a voice need firmware 4.2.\n"
    question = "Which voice assistants are supported?"
    rarities = dict.fromkeys(lexemes(question, ENGLISH), 1.0)
    plain, asked = (pick(question, passages(text, heading=heading), rarities) for heading in ("Voice", question))
    assert plain[0].text.startswith("Assistants of a voice")
    assert [each.text for each in asked][:2] == ["Our lamps speak to Aria and to Nelli.", "They ignore Borealis."]
