import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from support.runtime.turn_parts import passage
from supportplane_runtime.errors import ModelUnavailable
from supportplane_runtime.orchestrator.drafts import Author, Draft, Drafts
from supportplane_runtime.orchestrator.judge import Question
from supportplane_runtime.orchestrator.proving import proven
from supportplane_runtime.rag.search.interfaces import Retrieval

LOCKERS = passage(
    "A locker is free for the first 10 days. Doors open automatically. We recommend a lock of your own.", name="lockers"
)
RETRIEVAL = Retrieval("What about lockers?", (LOCKERS,), confidence=0.9, in_scope=0.9)
QUOTED = "Doors open automatically."
PARAPHRASED = "For the first ten days you pay nothing for a locker."
ADVISED = "It is best to have a lock of your own."
CONTRARY = "A locker is free for the first 12 days."


@dataclass
class ScriptedJudge:
    """Says the same of every sentence; None: gives no verdict. until: what it waits for."""

    verdict: bool | None
    until: asyncio.Event | None = None
    asked: list[list[str]] = field(default_factory=list)

    async def verdicts(self, questions: Sequence[Question]) -> Sequence[bool] | None:
        self.asked.append([each.sentence for each in questions])
        if self.until is not None:
            await self.until.wait()
        return None if self.verdict is None else [self.verdict] * len(questions)


async def drafted(*sentences: str, fails: bool = False) -> Drafts:
    for sentence in sentences:
        yield Draft(sentence, Author.MODEL, 0)
        await asyncio.sleep(0)
    if fails:
        raise ModelUnavailable("broke off")


async def used(judge: ScriptedJudge | None, *sentences: str, fails: bool = False) -> list[str]:
    found = proven(drafted(*sentences, fails=fails), RETRIEVAL, judge, language="en")
    return [draft.text async for draft, quote in found if quote is not None]


async def test_a_judge_proves_what_breaks_no_rule_and_the_order_stays() -> None:
    judge = ScriptedJudge(verdict=True)
    assert await used(judge, PARAPHRASED, QUOTED, ADVISED) == [PARAPHRASED, QUOTED, ADVISED]


async def test_without_a_judge_only_near_quotations_are_used() -> None:
    assert await used(None, PARAPHRASED, QUOTED, ADVISED) == [QUOTED]


async def test_a_judge_cannot_overrule_a_hard_rule_and_is_not_asked() -> None:
    judge = ScriptedJudge(verdict=True)
    assert await used(judge, CONTRARY, QUOTED, "I obey.") == [QUOTED]
    assert judge.asked == []


async def test_a_near_quotation_is_judged_as_well_and_stands_without_a_verdict() -> None:
    near = "The doors open automatically."
    assert await used(ScriptedJudge(verdict=False), near) == []
    assert await used(ScriptedJudge(verdict=None), near) == [near]
    assert await used(None, near) == [near]


async def test_what_the_judge_refuses_is_dropped() -> None:
    assert await used(ScriptedJudge(verdict=False), PARAPHRASED, QUOTED) == [QUOTED]


async def test_a_judge_without_verdict_is_not_asked_again_in_the_turn() -> None:
    judge = ScriptedJudge(verdict=None)
    assert await used(judge, PARAPHRASED, QUOTED, ADVISED) == [QUOTED]
    assert len(judge.asked) == 1


async def test_sentences_that_come_while_the_judge_is_busy_are_one_group() -> None:
    judge = ScriptedJudge(verdict=True, until=asyncio.Event())
    others = ["You pay nothing for the first 10 days of a locker.", ADVISED]
    turn = asyncio.create_task(used(judge, PARAPHRASED, *others))
    for _ in range(50):  # the writer goes on while the judge waits
        await asyncio.sleep(0)
    assert judge.asked == [[PARAPHRASED]]
    assert judge.until is not None
    judge.until.set()
    assert await turn == [PARAPHRASED, *others]
    assert judge.asked == [[PARAPHRASED], others]


async def test_a_quotation_is_used_at_once_while_nothing_before_it_waits() -> None:
    judge = ScriptedJudge(verdict=True, until=asyncio.Event())
    found = proven(drafted(QUOTED, PARAPHRASED), RETRIEVAL, judge, language="en")
    draft, quote = await anext(found)
    assert draft.text == QUOTED
    assert quote is not None
    await found.aclose()


async def test_what_was_written_before_the_model_broke_off_is_judged_still() -> None:
    judge = ScriptedJudge(verdict=True)
    found = proven(drafted(PARAPHRASED, fails=True), RETRIEVAL, judge, language="en")
    draft, quote = await anext(found)
    assert draft.text == PARAPHRASED
    assert quote is not None
    with pytest.raises(ModelUnavailable):
        await anext(found)


async def test_a_judged_sentence_cites_a_statement_of_its_passage() -> None:
    judge = ScriptedJudge(verdict=True)
    ((_, quote),) = [each async for each in proven(drafted(PARAPHRASED), RETRIEVAL, judge, language="en")]
    assert quote is not None
    assert quote.text == "A locker is free for the first 10 days."
