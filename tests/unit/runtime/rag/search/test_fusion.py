from collections.abc import Sequence

import pytest

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.index.interfaces import Collection, Hit
from supportplane_runtime.rag.search.fusion import (
    MOST_PARTS,
    PREVIOUS_ANSWER_WEIGHT,
    Search,
    View,
    documents,
    fuse,
    phrase,
    views,
)

DOCS = Collection("acme", "docs")
QUESTION = View("rotate api keys", 1.0)


def chunk(name: str, text: str = "", document: str = "") -> Chunk:
    return Chunk(name, document or name, title="", heading_path=(), text=text or name, url="", position=0)


def search(
    keyword: Sequence[tuple[Chunk, float]] = (),
    nearest: Sequence[tuple[Chunk, float]] = (),
    *,
    view: View = QUESTION,
    unrelated: float = 0.0,
) -> Search:
    return Search(DOCS, view, unrelated, [Hit(*pair) for pair in keyword], [Hit(*pair) for pair in nearest])


A, B, C = chunk("a"), chunk("b"), chunk("c")


def ranking(*searches: Search) -> list[str]:
    return [item.chunk.chunk_id for item in fuse(searches, {})]


def test_the_question_comes_first_and_the_last_exchange_adds_to_it() -> None:
    history = [
        Message(Role.USER, "old question"),
        Message(Role.ASSISTANT, "old answer"),
        Message(Role.USER, "How do keys work?"),
        Message(Role.ASSISTANT, "A key opens the API. [1] It expires. [2]"),
    ]
    found = views("And how long?", history)
    assert [view.text for view in found] == [
        "And how long?",
        "And how long?\nHow do keys work?\nA key opens the API. It expires.",
        "A key opens the API. It expires.",
    ]
    assert found[0].weight >= found[1].weight > found[2].weight


def test_without_a_conversation_there_is_one_view() -> None:
    assert [view.text for view in views("How?", [])] == ["How?"]


def test_what_the_agent_says_without_an_answer_is_not_searched() -> None:
    history = [
        Message(Role.USER, "Where is S3 configured?"),
        Message(Role.ASSISTANT, "In storage.yaml.", outcome=Outcome.ANSWERED),
        Message(Role.USER, "And with MinIO?"),
        Message(Role.ASSISTANT, "I have passed your question on.", outcome=Outcome.HANDED_OFF),
    ]
    assert [view.text for view in views("It does not work", history)] == [
        "It does not work",
        "It does not work\nAnd with MinIO?\nIn storage.yaml.",
        "In storage.yaml.",
    ]


def test_a_long_message_is_also_searched_part_by_part() -> None:
    letter = "I have a card. It was lost on Monday! Can you block it? " * 40
    whole, *parts = views(letter, [Message(Role.USER, "Hello"), Message(Role.ASSISTANT, "Hello.")])
    assert whole.text == letter
    assert [view.text for view in parts[-2:]] == [f"{letter}\nHello\nHello.", "Hello."]
    assert 2 <= len(parts[:-2]) <= MOST_PARTS
    assert " ".join(view.text for view in parts[:-2]) == letter.strip()


def test_a_long_message_without_a_full_stop_is_one_part() -> None:
    assert len(views("word " * 400, [])) == 2


def test_what_both_searches_found_is_before_what_one_found() -> None:
    assert ranking(search([(A, 9.0), (B, 8.0)], [(B, 0.8), (C, 0.8)])) == ["b", "a", "c"]


def test_scores_count_not_ranks() -> None:
    far_ahead = search([(A, 10.0), (B, 1.0)], [(B, 0.51), (A, 0.5)])
    assert ranking(far_ahead) == ["a", "b"]


def test_a_conversation_moves_the_ranking_where_the_question_is_open() -> None:
    question = search([(A, 2.0), (B, 2.0)], [(A, 0.6), (B, 0.6)])
    before = search([(B, 5.0)], [(B, 0.8)], view=View("the answer before", PREVIOUS_ANSWER_WEIGHT))
    assert ranking(question, before) == ["b", "a"]


def test_a_view_that_found_nothing_near_counts_little() -> None:
    question = search([(A, 5.0), (B, 4.5)], [(A, 0.7), (B, 0.65)])
    noise = search([(B, 1.0)], [(B, 0.02)], view=View("I do not know.", PREVIOUS_ANSWER_WEIGHT))
    assert ranking(question, noise) == ["a", "b"]


def test_one_word_decides_less_than_what_is_meant_and_many_words_more() -> None:
    found = ([(A, 9.0), (B, 6.0)], [(B, 0.8), (A, 0.65)])
    assert ranking(search(*found, view=View("work", 1.0))) == ["b", "a"]
    assert ranking(search(*found, view=View("rotate publishable api keys every month", 1.0))) == ["a", "b"]


def test_what_only_the_words_found_may_be_as_near_as_the_last_that_is_near() -> None:
    words_only = search([(A, 9.0)], [(B, 0.5), (C, 0.48)])
    assert ranking(words_only)[0] == "a"


def test_cosines_count_from_what_unrelated_texts_have() -> None:
    keyword = [(A, 1.0), (B, 0.85)]
    assert ranking(search(keyword, [(B, 0.86), (A, 0.8)])) == ["a", "b"]
    assert ranking(search(keyword, [(B, 0.86), (A, 0.8)], unrelated=0.78)) == ["b", "a"]


def test_scores_are_between_zero_and_one_and_carry_what_the_question_found() -> None:
    (first, second) = fuse([search([(A, 7.0)], [(A, 0.9), (B, 0.3)])], {"rotat": 1.0, "api": 1.0, "key": 1.0})
    assert (first.keyword, first.vector) == (7.0, 0.9)
    assert (second.keyword, second.vector) == (0.0, 0.3)
    assert 1 >= first.score > second.score > 0


def test_neighbouring_words_of_the_question_lift_a_passage_that_has_them_together() -> None:
    apart = chunk("apart", "Use api v2. The rotation of keys is described elsewhere.")
    together = chunk("together", "How to rotate API keys.")
    rarities = {"rotat": 2.0, "api": 2.0, "key": 2.0}
    found = fuse([search([(apart, 5.0), (together, 5.0)], [(apart, 0.6), (together, 0.6)])], rarities)
    assert found[0].chunk is together
    assert phrase("rotate api keys", together, rarities) == 1.0
    assert phrase("rotate api keys", apart, rarities) == 0.0


def test_rare_neighbours_weigh_more_than_common_ones() -> None:
    text = chunk("x", "connection string of the cluster")
    rarities = {"connect": 3.0, "string": 3.0, "cluster": 0.5, "new": 0.5}
    assert phrase("connection string new cluster", text, rarities) == pytest.approx(6 / 10.5)


def test_one_word_and_words_of_no_passage_have_no_phrase() -> None:
    assert phrase("keys", A, {"key": 1.0}) == 0.0
    assert phrase("unknown words", A, {}) == 0.0


def test_two_collections_are_ranked_as_one() -> None:
    other = Search(Collection("acme", "blog"), QUESTION, 0.0, [Hit(C, 4.0)], [Hit(C, 0.4)])
    assert ranking(search([(A, 8.0)], [(A, 0.8)]), other) == ["a", "c"]


def test_nothing_searched_or_nothing_found_is_nothing_ranked() -> None:
    assert fuse([], {}) == []
    assert fuse([search()], {}) == []


def test_a_document_stands_where_its_best_passage_stands() -> None:
    found = fuse(
        [search([(chunk("1", document="x"), 3.0), (chunk("2", document="y"), 2.0), (chunk("3", document="x"), 1.0)])],
        {},
    )
    assert documents(found) == ["x", "y"]


def test_a_page_of_which_two_passages_are_found_goes_before_one_of_which_one_is() -> None:
    lone, first, second = chunk("lone"), chunk("first", document="page"), chunk("second", document="page")
    found = search(nearest=[(lone, 0.80), (first, 0.78), (second, 0.77)])
    assert ranking(found) == ["first", "second", "lone"]


def test_a_page_of_which_much_is_found_does_not_overtake_a_much_better_find() -> None:
    lone, first, second = chunk("lone"), chunk("first", document="page"), chunk("second", document="page")
    assert ranking(search(nearest=[(lone, 0.9), (first, 0.5), (second, 0.5)]))[0] == "lone"
