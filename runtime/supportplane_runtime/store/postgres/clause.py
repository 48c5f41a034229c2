"""What an effect adds to the statement that finishes a turn. A value; effects/ holds one for each kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, LiteralString

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.domain.ending import EffectT
from supportplane_runtime.store.postgres.database import Params


def _no_locks(_: object) -> tuple[LiteralString, ...]:
    return ()


def _unchanged(answer: Answer, _: object) -> Answer:
    return answer


@dataclass(frozen=True, slots=True)
class Clause(Generic[EffectT]):
    """ctes: they read the row ``ended``, which is there only when this statement ends the turn.

    result: a scalar of the one row that comes back; ``told`` puts it into the answer. facts: keys and values for the
    entry of the audit log. locks: statements that run first in the same transaction. Kinds share one statement, so
    names of CTEs and parameters are a kind's own (a test compares them).
    """

    ctes: LiteralString
    params: Callable[[EffectT, Turn], Params]
    result: LiteralString = "NULL"
    facts: LiteralString = ""
    locks: Callable[[EffectT], Sequence[LiteralString]] = _no_locks
    told: Callable[[Answer, Any], Answer] = _unchanged
