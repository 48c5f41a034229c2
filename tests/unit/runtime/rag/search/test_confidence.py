from dataclasses import replace

import pytest

from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.domain.knowledge import Chunk, Evidence
from supportplane_runtime.rag.index.interfaces import Collection, Hit
from supportplane_runtime.rag.search import confidence, fusion
from supportplane_runtime.rag.search.confidence import NAMED_IN_SCOPE, NOTHING_FOUND, Found, judge, scored
from supportplane_runtime.rag.search.fusion import Search
from supportplane_runtime.rag.words.lexemes import rarity

DOCS = Collection("acme", "docs")
CHUNKS = 100
# How many of the hundred passages hold each lexeme; "acmecloud" is the product.
CONTAINING = {"acmecloud": 80, "key": 20, "rotat": 3, "sap": 0, "weather": 0, "pari": 0}
RARITIES = {lexeme: rarity(CHUNKS, containing) for lexeme, containing in CONTAINING.items()}
PASSAGE = Chunk(
    chunk_id="1",
    document_id="keys",
    title="Keys",
    heading_path=("Rotate a key",),
    text="To rotate a key of AcmeCloud, make a new key and revoke the old one.",
    url="keys.md",
    position=0,
)


def judged(question: str, *, keyword: float, cosine: float) -> confidence.Judgement:
    view = fusion.views(question, [])[0]
    found = Search(DOCS, view, 0.0, [Hit(PASSAGE, keyword)], [Hit(PASSAGE, cosine)])
    return judge(Found([found], RARITIES, fusion.fuse([found], RARITIES), CHUNKS))


def test_a_question_that_a_passage_answers_is_sure() -> None:
    assert judged("How do I rotate a key?", keyword=8.0, cosine=0.8).confidence > 0.8


def test_what_was_hardly_found_is_neither_answered_nor_in_scope() -> None:
    unsure = judged("What is the weather in Paris?", keyword=0.1, cosine=0.1)
    assert unsure.confidence < 0.1
    assert unsure.in_scope < 0.1


def test_a_question_that_names_the_subject_is_in_scope_however_little_was_found() -> None:
    named = judged("How do I connect AcmeCloud to SAP?", keyword=0.3, cosine=0.2)
    assert named.in_scope >= NAMED_IN_SCOPE
    assert named.confidence < 0.5


def test_a_common_word_is_no_subject() -> None:
    assert judged("Which key opens my car?", keyword=0.5, cosine=0.1).in_scope < NAMED_IN_SCOPE


def test_a_passage_that_stands_out_is_surer_than_one_among_equals() -> None:
    view = fusion.views("How do I rotate a key?", [])[0]

    def among(others: float) -> float:
        hits = [Hit(replace(PASSAGE, chunk_id=str(n)), 0.8 if n == 0 else others) for n in range(6)]
        found = Search(DOCS, view, 0.0, [], hits)
        return judge(Found([found], RARITIES, fusion.fuse([found], RARITIES), CHUNKS)).confidence

    assert among(0.2) > among(0.5) > among(0.75)


def test_documents_about_something_else_change_nothing() -> None:
    """The same passage for the same question, alone among five and beside thousands."""

    def found_among(chunks: int) -> Found:
        rarities = {"rotat": rarity(chunks, 1), "key": rarity(chunks, 2), "quick": rarity(chunks, 0)}
        view = fusion.views("How do I rotate keys quickly?", [])[0]
        search = Search(DOCS, view, 0.0, [Hit(PASSAGE, 3.0 * chunks**0.1)], [Hit(PASSAGE, 0.5)])
        return Found([search], rarities, fusion.fuse([search], rarities), chunks)

    alone, beside = judge(found_among(5)), judge(found_among(900))
    assert alone.confidence == pytest.approx(beside.confidence, abs=0.01)
    assert alone.in_scope == pytest.approx(beside.in_scope, abs=0.01)


def test_a_follow_up_is_as_sure_as_what_it_follows() -> None:
    follow_up, *others = fusion.views("And with MinIO?", [Message(Role.USER, "How do I rotate a key?")])
    near = [Search(DOCS, view, 0.0, [], [Hit(PASSAGE, 0.8)]) for view in others]
    far = [Search(DOCS, view, 0.0, [], [Hit(PASSAGE, 0.1)]) for view in others]
    asked = Search(DOCS, follow_up, 0.0, [], [Hit(PASSAGE, 0.3)])
    sure, unsure = (
        judge(Found([asked, *rest], RARITIES, fusion.fuse([asked, *rest], RARITIES), CHUNKS)) for rest in (near, far)
    )
    assert sure.confidence > unsure.confidence
    assert sure.in_scope > unsure.in_scope


def test_the_score_of_a_passage_is_the_confidence_in_the_first_and_its_share_of_that() -> None:
    found = [Evidence(PASSAGE, 0.0, 0.0, 1.5), Evidence(PASSAGE, 0.0, 0.0, 0.5)]
    assert [each.score for each in scored(found, 0.6)] == pytest.approx([0.6, 0.2])
    assert scored([], 0.6) == []


def test_nothing_found_is_no_confidence() -> None:
    view = fusion.views("anything", [])[0]
    assert judge(Found([Search(DOCS, view, 0.0, [], [])], {}, [], CHUNKS)) == NOTHING_FOUND


def test_more_similar_is_more_sure() -> None:
    sure = [judged("How do I rotate a key?", keyword=4.0, cosine=cosine).confidence for cosine in (0.2, 0.5, 0.8)]
    assert sure == sorted(sure)
    assert sure[0] < sure[2]


def test_coefficients_that_weigh_what_is_no_feature_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.loads", lambda _: {"models": {"x": {"intercept": 0, "weights": {"luck": 1}}}})
    confidence.coefficients.cache_clear()
    with pytest.raises(ValueError, match="luck"):
        confidence.coefficients()
    confidence.coefficients.cache_clear()


def test_what_else_a_customer_tells_makes_no_passage_worse() -> None:
    asked = "How do I rotate a key of AcmeCloud?"
    told = f"I use it on my Synology at home with docker since last year. {asked} Great work!"
    alone, beside = (judged(text, keyword=8.0, cosine=0.6).confidence for text in (asked, told))
    assert beside == pytest.approx(alone, abs=0.01)
