import pytest

from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.index.interfaces import Collection, Hit
from supportplane_runtime.rag.search import confidence, fusion
from supportplane_runtime.rag.search.confidence import NAMED_IN_SCOPE, NOTHING_FOUND, judge
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
    return judge([found], fusion.fuse([found], RARITIES), RARITIES)


def test_a_question_that_a_passage_answers_is_sure() -> None:
    assert judged("How do I rotate a key?", keyword=8.0, cosine=0.8).confidence > 0.9


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


def test_nothing_found_is_no_confidence() -> None:
    view = fusion.views("anything", [])[0]
    assert judge([Search(DOCS, view, 0.0, [], [])], [], {}) == NOTHING_FOUND


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
