"""The state of a turn as it moves through the graph. Nodes return the part they made; nothing is changed in place.

Only ``ending`` is checkpointed, as one string: it is all that is needed to finish a turn whose graph was done when its
process died, and a string goes into the checkpoint's own row. The rest is made again from the accepted question
(ADR 0010), so it is untracked and never written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypedDict

from langgraph.channels import UntrackedValue

from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.orchestrator.drafts import Checked, Drafts
from supportplane_runtime.orchestrator.exchange import NO_GROUND, Ground
from supportplane_runtime.orchestrator.leaning import Leaning
from supportplane_runtime.rag.search.interfaces import Retrieval
from supportplane_runtime.turns.events import TurnEvent

Emit = Callable[[Callable[[int], TurnEvent]], None]


class Intent(StrEnum):
    QUESTION = "question"
    PERSON = "person"
    SMALL_TALK = "small_talk"
    UNDERSPECIFIED = "underspecified"
    UNHELPED = "unhelped"  # the answer did not help, and no more is said
    STUCK = "stuck"  # the same, or nothing to go by, after we asked back or declined
    WAITING = "waiting"  # a person has the question already, and nothing new is asked


@dataclass(frozen=True, slots=True)
class Understanding:
    """question: the message, or, when it leans on what was said before, that and the message together.

    asked: what of the message is asked, `How can I pay?` of `No. How can I pay?`. reply: for small talk, which one.
    ground: what the message leans on; empty for one that stands for itself. says_little: leans, with hardly a word of
    its own (`how do I undo that?`), so that it cannot be judged alone.
    declinable: may be declined as out of scope; not what follows on an answer, or is asked in another language than
    that of the documents, since then being unlike them says nothing.
    """

    language: str
    intent: Intent
    question: str
    asked: str
    reply: str | None = None
    leaning: Leaning = Leaning.STANDS
    ground: Ground = NO_GROUND
    says_little: bool = False
    declinable: bool = True

    @property
    def needs_documents(self) -> bool:
        """A question; or the one before, whose answer did not help, unless another answer was given already."""
        retries = self.intent is Intent.UNHELPED and bool(self.ground.questions) and not self.ground.retried
        return self.intent is Intent.QUESTION or retries


class TurnState(TypedDict, total=False):
    turn: Annotated[Turn, UntrackedValue]
    history: Annotated[Sequence[Message], UntrackedValue]
    understanding: Annotated[Understanding, UntrackedValue]
    retrieval: Annotated[Retrieval, UntrackedValue]
    drafts: Annotated[Drafts, UntrackedValue]
    checked: Annotated[Checked, UntrackedValue]
    ending: str
    outcome: str  # the ending as releases before effects wrote it: only read


@dataclass(frozen=True, slots=True)
class TurnContext:
    """What a node may do to the outside while it runs: tell this turn's listeners, and say how the turn ends."""

    emit: Emit
    conclude: Callable[[Ending], None]
