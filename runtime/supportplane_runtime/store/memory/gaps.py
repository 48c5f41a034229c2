"""Gaps in memory, and what their questions mean."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from supportplane_runtime.domain.conversation import Rating, Turn
from supportplane_runtime.domain.ending import NoteGap
from supportplane_runtime.domain.gaps import NearDocument
from supportplane_runtime.store.interfaces.gaps import HISTORY, RECENT, Gap, PlacedQuestion, UnplacedQuestion
from supportplane_runtime.store.memory.effects.note_gap import GapRow
from supportplane_runtime.store.memory.state import RowId, State, TurnRow
from supportplane_runtime.store.memory.turns import said_before


class MemoryGaps:
    def __init__(self, state: State) -> None:
        self._state = state
        self._placed: dict[RowId, PlacedQuestion] = {}

    async def listing(self, tenant: str, *, since: datetime, agent: str | None, limit: int) -> list[Gap]:
        return [self._gap(row, asked_at) for row, asked_at in self._newest(tenant, since, agent)][:limit]

    async def unplaced(
        self, tenant: str, *, agent: str | None, embedder: str, limit: int
    ) -> tuple[list[UnplacedQuestion], int]:
        rows = [row for row, _ in self._newest(tenant, self._state.clock() - RECENT, agent)]
        found = [row for row in rows if not self._is_placed(row, embedder)]
        return [self._unplaced(row) for row in found[:limit]], len(found)

    async def place(self, tenant: str, questions: Sequence[PlacedQuestion]) -> None:
        for each in questions:
            if (tenant, each.turn_id) in self._state.turns:
                self._placed[tenant, each.turn_id] = each

    def _newest(self, tenant: str, since: datetime, agent: str | None) -> list[tuple[TurnRow, datetime]]:
        latest: dict[UUID, datetime] = {}
        for turn_id, at in self._moments(tenant):
            if at >= since:
                latest[turn_id] = max(at, latest.get(turn_id, at))
        rows = [(self._state.turns[tenant, turn_id], at) for turn_id, at in latest.items()]
        ours = [(row, at) for row, at in rows if agent is None or row.agent in (None, agent)]
        return sorted(ours, key=lambda item: (item[1], item[0].turn.turn_id), reverse=True)

    def _moments(self, tenant: str) -> Iterator[tuple[UUID, datetime]]:
        for (owner, turn_id), row in self._state.rows(GapRow).items():
            if owner == tenant:
                yield turn_id, row.noted_at
        for (owner, turn_id, _), (feedback, updated_at) in self._state.feedback.items():
            if owner == tenant and feedback.rating is Rating.DOWN:
                yield turn_id, updated_at

    def _is_placed(self, row: TurnRow, embedder: str) -> bool:
        placed = self._placed.get((row.turn.tenant, row.turn.turn_id))
        return placed is not None and placed.meaning.embedder == embedder

    def _unplaced(self, row: TurnRow) -> UnplacedQuestion:
        noted = self._noted(row)
        if noted is not None:
            return UnplacedQuestion(row.turn.turn_id, noted.question, ())
        return UnplacedQuestion(row.turn.turn_id, row.turn.question, tuple(said_before(self._state, row)[-HISTORY:]))

    def _gap(self, row: TurnRow, asked_at: datetime) -> Gap:
        turn = row.turn
        gap = self._noted(row)
        placed = self._placed.get((turn.tenant, turn.turn_id))
        thumbs = sorted(self._thumbs_down(row))
        return Gap(
            turn_id=turn.turn_id,
            conversation_id=turn.conversation_id,
            user_id=turn.user_id,
            question=gap.question if gap else placed.question if placed else turn.question,
            reason=gap.reason if gap else None,
            disliked=bool(thumbs),
            comment=thumbs[-1][1] or None if thumbs else None,
            asked_at=asked_at,
            documents=gap.documents if gap else _cited(turn),
            meaning=placed.meaning if placed else None,
        )

    def _noted(self, row: TurnRow) -> NoteGap | None:
        found = self._state.rows(GapRow).get((row.turn.tenant, row.turn.turn_id))
        return found.gap if found else None

    def _thumbs_down(self, row: TurnRow) -> list[tuple[datetime, str]]:
        return [
            (updated_at, feedback.comment or "")
            for (owner, turn_id, _), (feedback, updated_at) in self._state.feedback.items()
            if (owner, turn_id) == (row.turn.tenant, row.turn.turn_id) and feedback.rating is Rating.DOWN
        ]


def _cited(turn: Turn) -> tuple[NearDocument, ...]:
    sources = {source.document_id: source for source in (turn.answer.sources if turn.answer else ())}
    return tuple(NearDocument(each.document_id, each.title, each.page) for _, each in sorted(sources.items()))
