"""Sample questions, answers and wishes for tickets that the tests of the store share."""

import secrets
from typing import Any
from uuid import UUID, uuid4

from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.domain.conversation import TicketReason, Turn, TurnStatus
from supportplane_runtime.domain.ending import OpenTicket
from supportplane_runtime.store.rules.turns import conversation_of
from supportplane_runtime.turns.interfaces import TurnRequest

ANSWER = Answer(
    response="Open Settings, then Keys, and press Rotate [1]. Grüße, 鍵, 🔑.",
    outcome=Outcome.ANSWERED,
    confidence=0.875,
    sources=(
        Source(
            marker=1,
            document_id="keys.md",
            chunk_id="c1",
            title="Keys",
            url="https://docs.example/keys",
            quote="press Rotate",
            score=0.5,
            headings=("Rotate", "By hand"),
        ),
    ),
    language="en",
    model_share=0.25,
)
HANDED_OFF = Answer(response="A colleague will take over.", outcome=Outcome.HANDED_OFF, confidence=0.125)
WISH = OpenTicket(reason=TicketReason.CUSTOMER_REQUEST, subject="Rotate a key", queue="tier-1")


def new_tenant() -> str:
    return f"tenant-{secrets.token_hex(4)}"


def question(tenant: str, **changes: Any) -> TurnRequest:
    """A question of alice's, new each time; ``changes`` replace what a test is about."""
    fields: dict[str, Any] = {
        "tenant": tenant,
        "turn_id": uuid4(),
        "user_id": "alice",
        "question": "How do I rotate an API key?",
        "key_id": "key-1",
        "context": {"plan": "pro", "nested": {"seats": [1, 2.5, None, True]}},
    }
    return TurnRequest(**(fields | changes))


def next_question(conversation_id: UUID, tenant: str, **changes: Any) -> TurnRequest:
    return question(tenant, conversation_id=conversation_id, **changes)


def accepted_turn(tenant: str) -> Turn:
    """A turn of alice's as a store gives it back, without one."""
    request = question(tenant)
    return Turn(
        tenant=tenant,
        turn_id=request.turn_id,
        conversation_id=conversation_of(request),
        user_id=request.user_id,
        question=request.question,
        context={},
        status=TurnStatus.ACCEPTED,
    )
