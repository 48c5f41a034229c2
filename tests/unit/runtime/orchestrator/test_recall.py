from uuid import uuid4

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.orchestrator.buffer import SEQUENCES_PER_ATTEMPT
from supportplane_runtime.orchestrator.recall import recalled
from supportplane_runtime.orchestrator.turns import Bounds
from supportplane_runtime.turns.events import Answered, Failed, Sources

SOURCE = Source(marker=1, document_id="d", chunk_id="c", title="T", url="u", quote="Q.", score=0.9)
ANSWER = Answer(response="Yes [1].", outcome=Outcome.ANSWERED, confidence=0.9, sources=(SOURCE,))


def ended(status: TurnStatus, answer: Answer | None) -> Turn:
    return Turn("acme", uuid4(), uuid4(), "u", "Is it?", {}, status, answer=answer)


def test_the_end_comes_after_whatever_a_client_may_have_seen_of_the_turn() -> None:
    seen = Bounds().attempts * SEQUENCES_PER_ATTEMPT
    events = list(recalled(ended(TurnStatus.FINISHED, ANSWER), after=seen))
    assert [type(event) for event in events] == [Sources, Answered]
    assert events[0].sequence > seen


def test_a_client_that_comes_back_with_what_it_was_told_is_told_no_more() -> None:
    for turn in (ended(TurnStatus.FINISHED, ANSWER), ended(TurnStatus.CANCELLED, None)):
        first = list(recalled(turn, after=7))
        assert isinstance(first[-1], Answered | Failed)
        assert list(recalled(turn, after=first[-1].sequence)) == []
        assert list(recalled(turn, after=first[-1].sequence - 1)) == first[-1:]
