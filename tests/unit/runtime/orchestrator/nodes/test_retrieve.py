from dataclasses import replace

import pytest

from support.runtime.turn_parts import BACKUP, ROTATE, FixedRetriever, passage
from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.orchestrator.nodes.decide import Thresholds
from supportplane_runtime.orchestrator.nodes.retrieve import (
    Knowledge,
    named_first,
    retrieve,
    with_parts,
    without_rejected,
)
from supportplane_runtime.orchestrator.parts import Part
from supportplane_runtime.rag.search.interfaces import Retrieval


async def test_the_passages_of_every_knowledge_base_come_best_first() -> None:
    small = FixedRetriever((BACKUP,), confidence=0.2, in_scope=0.4)
    large = FixedRetriever((ROTATE,), confidence=0.8, in_scope=0.3)
    history = [Message(Role.USER, "before")]
    found = await retrieve("q", history, [Knowledge(small, 3), Knowledge(large, 3)])
    assert found == Retrieval("q", (ROTATE, BACKUP), confidence=0.8, in_scope=0.4)
    assert small.questions == large.questions == [("q", tuple(history))]


async def test_each_knowledge_base_gives_its_own_number_of_passages() -> None:
    found = await retrieve("q", [], [Knowledge(FixedRetriever(), 1)])
    assert found.evidence == (ROTATE,)


async def test_without_knowledge_everything_is_in_scope_and_nothing_answers() -> None:
    assert await retrieve("q", [], []) == Retrieval("q", (), confidence=0.0, in_scope=1.0)


async def test_half_of_the_knowledge_is_not_answered_from() -> None:
    async def away() -> None:
        raise KnowledgeUnavailable("away")

    with pytest.raises(KnowledgeUnavailable):
        await retrieve("q", [], [Knowledge(FixedRetriever(), 3), Knowledge(FixedRetriever(wait=away), 3)])


STORAGE = passage("To store files in S3, set the storage to s3.", name="storage")
MINIO = passage("MinIO wants its address as the endpoint.", name="minio", score=0.5)
FOUND = Retrieval("and with MinIO?", (STORAGE, MINIO), confidence=0.8, in_scope=0.9, rarities={"minio": 3.0})


def test_what_a_fragment_names_comes_before_what_only_its_conversation_speaks_for() -> None:
    assert named_first(FOUND).evidence == (MINIO, STORAGE)


def test_the_order_stays_where_the_best_passage_has_a_word_of_the_message() -> None:
    both = replace(FOUND, rarities={"minio": 3.0, "file": 1.0})
    assert named_first(both).evidence == (STORAGE, MINIO)


def test_what_was_quoted_without_helping_is_left_out_and_the_next_best_is_less_sure() -> None:
    left = without_rejected(FOUND, ["**Storage**\n\nTo store files in S3, set the storage to s3. [1]"])
    assert left.evidence == (MINIO,)
    assert left.confidence == pytest.approx(0.8 * 0.5 / 0.9)


def test_a_passage_of_which_little_was_quoted_may_answer_after_all() -> None:
    assert without_rejected(FOUND, ["set the storage [1]"]) == FOUND


def test_a_part_is_answered_also_by_the_section_that_is_called_as_it_asks() -> None:
    insurance = passage("Bikes are insured for a year.", name="insurance", score=0.3)
    asked = (Part("When is it open", "When is it open"), Part("what is insurance?", "what is insurance?"))
    unsure = [Retrieval(part.query, (BACKUP, insurance), confidence=0.2, in_scope=0.9) for part in asked]
    whole = Retrieval("both", (BACKUP,), confidence=0.2, in_scope=0.9)
    found = with_parts(whole, list(zip(asked, unsure, strict=True)), Thresholds())
    assert [part.answered for part in found.parts] == [False, True]
    assert found.parts[1].evidence[0] == insurance.chunk.chunk_id
    assert found.confidence == Thresholds().answer
    assert found.evidence[0] == BACKUP
