"""What the SupportAgent file says about turns, as one frozen value: the orchestrator reads nothing else of it.

Made once at start by ``policy_of``. A change of the file is a restart (a new revision, on a cluster).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from supportplane_crds.support_agent import Mode, SupportAgent, Trigger, Writing


@dataclass(frozen=True, slots=True)
class WritingPolicy:
    """How the model writes. ``instructions`` are the agent's own, added to the system prompt."""

    temperature: float
    max_tokens: int
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class HandoffPolicy:
    """What opens a ticket, and in which queue. least_confidence: 0..1, None when LowConfidence is not a trigger.

    visitor_tickets_per_hour: None: a visitor may open any number.
    """

    triggers: frozenset[Trigger] = frozenset({Trigger.CUSTOMER_REQUEST, Trigger.MISSING_KNOWLEDGE})
    least_confidence: float | None = None
    queue: str | None = None
    visitor_tickets_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """writing None: answers are composed of sentences from passages and the model is not asked.

    language: what replies are written in when a message does not tell (the first knowledge base's).
    document_languages: of all knowledge bases; empty: ``language`` alone.
    history_limit: messages, two a turn. agent: its name; turns of other agents of the tenant are left to them.
    revision: stored with each answer; None on a laptop.
    """

    tenant: str
    hands_off_only: bool = False
    writing: WritingPolicy | None = None
    handoff: HandoffPolicy = field(default=HandoffPolicy())
    turn_timeout_s: float = 60.0
    history_limit: int = 40
    language: str = "en"
    document_languages: frozenset[str] = frozenset()
    agent: str | None = None
    revision: str | None = None


def policy_of(agent: SupportAgent, *, languages: Sequence[str] = ("en",), revision: str | None = None) -> Policy:
    """languages: of the knowledge bases, in the order of the file."""
    template = agent.spec.template
    return Policy(
        tenant=agent.spec.tenant.id,
        hands_off_only=agent.spec.mode is Mode.HANDOFF_ONLY,
        writing=_writing(agent),
        handoff=_handoff(agent),
        turn_timeout_s=template.orchestrator.turn_timeout.total_seconds(),
        history_limit=2 * template.memory.short_term.max_turns,
        language=languages[0],
        document_languages=frozenset(languages),
        agent=agent.name,
        revision=revision,
    )


def _writing(agent: SupportAgent) -> WritingPolicy | None:
    template = agent.spec.template
    if template.model.writing is Writing.DISABLED:
        return None
    parameters = template.model.parameters
    instructions = template.instructions.inline if template.instructions else None
    return WritingPolicy(float(parameters.temperature), parameters.max_output_tokens, instructions)


def _handoff(agent: SupportAgent) -> HandoffPolicy:
    handoff = agent.spec.template.handoff
    below = handoff.confidence_below
    return HandoffPolicy(
        triggers=frozenset(handoff.triggers),
        least_confidence=below / 100 if below is not None else None,
        queue=handoff.queue,
        visitor_tickets_per_hour=handoff.visitor_tickets_per_hour,
    )
