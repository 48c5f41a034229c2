"""Whether a question is a gap: the documents do not answer it well enough. Pure; called by nodes/decide.py."""

from dataclasses import replace
from typing import Final

from supportplane_runtime.domain.answer import Outcome
from supportplane_runtime.domain.conversation import TicketReason
from supportplane_runtime.domain.ending import Ending, NoteGap, OpenTicket
from supportplane_runtime.domain.gaps import GapReason, NearDocument
from supportplane_runtime.orchestrator.state import Intent, Understanding
from supportplane_runtime.rag.search.interfaces import Retrieval

# A confidence is calibrated, so of answers below it at least two in five miss the question: of 158 judged answers that
# customers get 91 are below it, and 55 of these are not whole (ADR 0045). Where to draw the line is a guess: an author
# looks at more questions, or overlooks more.
UNSURE_BELOW: Final = 0.6
NEAREST: Final = 3  # documents; a guess at how many an author opens to find where a sentence belongs


def with_gap(
    ended: Ending, known: Understanding, retrieval: Retrieval | None, *, in_scope: float, is_partial: bool
) -> Ending:
    """The ending with a note for the authors, where there is something to note.

    in_scope: the least Retrieval.in_scope of a question that belongs to the documents (decide.py, Thresholds).
    is_partial: the answer names a part of the question that it leaves open.
    """
    if known.intent is not Intent.QUESTION or retrieval is None:
        return ended
    reason = _reason(ended, retrieval, in_scope, is_partial=is_partial)
    if reason is None:
        return ended
    return replace(ended, effects=(*ended.effects, NoteGap(reason, known.question, nearest(retrieval))))


def _reason(ended: Ending, retrieval: Retrieval, in_scope: float, *, is_partial: bool) -> GapReason | None:
    ticket = ended.effect(OpenTicket)
    if ticket is not None and not is_partial:
        is_ours = ticket.reason in {TicketReason.MISSING_KNOWLEDGE, TicketReason.LOW_CONFIDENCE}
        return GapReason.TICKET if is_ours else None
    if ended.answer.outcome is Outcome.DECLINED:
        return GapReason.DECLINED if retrieval.in_scope >= in_scope else GapReason.OUT_OF_SCOPE
    if ended.answer.outcome is not Outcome.ANSWERED:
        return None
    if is_partial:
        return GapReason.PARTIAL
    return GapReason.UNSURE if ended.answer.confidence < UNSURE_BELOW else None


def nearest(retrieval: Retrieval) -> tuple[NearDocument, ...]:
    """The documents of the best passages, each at its best one."""
    found: dict[str, NearDocument] = {}
    for chunk in (each.chunk for each in retrieval.evidence):
        found.setdefault(chunk.document_id, NearDocument(chunk.document_id, chunk.title, chunk.url))
    return tuple(found.values())[:NEAREST]
