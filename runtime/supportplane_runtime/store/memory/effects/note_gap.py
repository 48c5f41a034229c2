"""A gap in memory."""

from dataclasses import dataclass
from datetime import datetime

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.ending import NoteGap
from supportplane_runtime.store.memory.state import State, TurnRow


@dataclass(frozen=True, slots=True)
class GapRow:
    gap: NoteGap
    noted_at: datetime


def apply(state: State, row: TurnRow, gap: NoteGap, answer: Answer) -> Answer:
    state.rows(GapRow)[row.turn.tenant, row.turn.turn_id] = GapRow(gap, state.clock())
    return answer
