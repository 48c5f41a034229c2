"""What users thought of answers, in memory."""

from datetime import datetime
from uuid import UUID

from supportplane_runtime.domain.answer import Source
from supportplane_runtime.domain.conversation import Feedback, Rating, Turn
from supportplane_runtime.errors import NotFound
from supportplane_runtime.store.interfaces.feedback import (
    EXAMPLES,
    DislikedTurn,
    DocumentFeedback,
    FeedbackFilter,
    RatedTurn,
    SavedFeedback,
    most_disliked_first,
)
from supportplane_runtime.store.memory.state import RowId, State, TurnRow, page_of
from supportplane_runtime.store.pages import FEEDBACK_LISTING, Page, Position


class MemoryFeedback:
    def __init__(self, state: State) -> None:
        self._state = state

    async def save(self, feedback: Feedback, *, any_user: bool) -> SavedFeedback:
        row = self._state.turn_row(feedback.tenant, feedback.turn_id)
        if not any_user and row.turn.user_id != feedback.user_id:
            raise NotFound(f"There is no turn {feedback.turn_id}.")
        place = (feedback.tenant, feedback.turn_id, feedback.user_id)
        before = self._state.feedback.get(place)
        self._state.feedback[place] = (feedback, self._state.clock())
        return SavedFeedback(row.agent, row.revision, before is None or before[0].rating is not feedback.rating)

    async def listing(self, tenant: str, *, wanted: FeedbackFilter, after: str | None, limit: int) -> Page[RatedTurn]:
        items = {
            Position(item.updated_at, item.turn.turn_id): item
            for item in self._of_tenant(tenant)
            if _is_wanted(item, wanted)
        }
        positions, cursor = page_of(list(items), after, limit, listing=FEEDBACK_LISTING)
        return Page(tuple(items[position] for position in positions), cursor)

    async def documents(self, tenant: str, *, since: datetime, limit: int) -> list[DocumentFeedback]:
        turns = [
            row.turn
            for (owner, _), row in sorted(self._state.turns.items(), key=_ending, reverse=True)
            if owner == tenant and row.ended_at and row.ended_at >= since
        ]
        ids = {source.document_id for turn in turns for source in _cited(turn)}
        found = [*(self._document(document_id, turns) for document_id in ids), *self._without_document(turns)]
        return sorted(found, key=most_disliked_first)[:limit]

    def _document(self, document_id: str, turns: list[Turn]) -> DocumentFeedback:
        """turns: those that count, newest first."""
        citing = [turn for turn in turns if document_id in {source.document_id for source in _cited(turn)}]
        latest = next(source for source in _cited(citing[0]) if source.document_id == document_id)
        return self._counted(citing, (document_id, latest.page, latest.title), answers=len(citing))

    def _without_document(self, turns: list[Turn]) -> list[DocumentFeedback]:
        rated = {item.turn.turn_id for turn in turns[:1] for item in self._of_tenant(turn.tenant)}
        uncited = [turn for turn in turns if turn.turn_id in rated and not _cited(turn)]
        return [self._counted(uncited, (None, None, None), answers=len(uncited))] if uncited else []

    def _counted(
        self, turns: list[Turn], place: tuple[str | None, str | None, str | None], *, answers: int
    ) -> DocumentFeedback:
        """place: id, url and title of the document."""
        ids = {turn.turn_id for turn in turns}
        rated = [item for item in self._of_tenant(turns[0].tenant) if item.turn.turn_id in ids]
        disliked = [item for item in rated if item.feedback.rating is Rating.DOWN]
        disliked.sort(key=lambda item: (item.updated_at, item.turn.turn_id), reverse=True)
        examples = tuple(_disliked_turn(item) for item in disliked[:EXAMPLES])
        return DocumentFeedback(*place, answers, len(rated) - len(disliked), len(disliked), examples)

    def _of_tenant(self, tenant: str) -> list[RatedTurn]:
        return [
            RatedTurn(feedback, row.turn, row.agent, row.revision, updated_at)
            for (owner, turn_id, _), (feedback, updated_at) in self._state.feedback.items()
            if owner == tenant
            for row in (self._state.turns[tenant, turn_id],)
        ]


def _cited(turn: Turn) -> tuple[Source, ...]:
    return turn.answer.sources if turn.answer else ()


def _ending(place: tuple[RowId, TurnRow]) -> tuple[bool, datetime | None, UUID]:
    (_, turn_id), row = place
    return row.ended_at is not None, row.ended_at, turn_id


def _is_wanted(item: RatedTurn, wanted: FeedbackFilter) -> bool:
    names = {name for source in _cited(item.turn) for name in (source.document_id, source.page)}
    return (
        wanted.user_id in (None, item.feedback.user_id)
        and wanted.rating in (None, item.feedback.rating)
        and (wanted.since is None or item.updated_at >= wanted.since)
        and wanted.agent in (None, item.agent)
        and (wanted.document is None or wanted.document in names)
    )


def _disliked_turn(item: RatedTurn) -> DislikedTurn:
    turn = item.turn
    return DislikedTurn(turn.turn_id, turn.conversation_id, turn.question, item.feedback.comment)
