"""The line that an ended turn leaves in the audit log: ids, codes and sizes, never what was said."""

from typing import Any

from supportplane_runtime.domain.conversation import Turn, TurnStatus
from supportplane_runtime.store.interfaces.audit import AuditEntry

TURN_END = "turn.end"  # the audit action of a turn that ended, however it did


def turn_audit(turn: Turn, key_id: str, agent: str | None) -> AuditEntry:
    """The line an ended turn leaves: ids, codes and sizes."""
    return AuditEntry(
        tenant=turn.tenant,
        actor=key_id,
        action=TURN_END,
        outcome=turn.failure or turn.status,
        facts=turn_facts(turn),
        agent=agent,
    )


def turn_facts(turn: Turn) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "turn_id": str(turn.turn_id),
        "conversation_id": str(turn.conversation_id),
        "user_id": turn.user_id,
        "attempt": turn.attempt,
    }
    if turn.status is TurnStatus.FINISHED and turn.answer is not None:
        facts |= {
            "outcome": str(turn.answer.outcome),
            "confidence": turn.answer.confidence,
            "sources": len(turn.answer.sources),
            "ticket_id": str(turn.answer.ticket_id) if turn.answer.ticket_id else None,
        }
    return facts
