"""Where a turn goes after a step. Pure; graph.py wires them."""

from supportplane_runtime.orchestrator.nodes.decide import Gate, Thresholds, gate
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.state import TurnState


def after_understand(state: TurnState, policy: Policy) -> str:
    """Only a question needs the documents, and the kill switch keeps us from answering any."""
    return "retrieve" if state["understanding"].needs_documents and not policy.hands_off_only else "decide"


def after_retrieve(state: TurnState, policy: Policy, thresholds: Thresholds) -> str:
    """Nothing is drafted, and so nothing sent, unless the evidence allows an answer."""
    least = policy.handoff.least_confidence
    found = gate(state["retrieval"], least_confidence=least, thresholds=thresholds)
    return "answer" if found is Gate.ANSWER else "decide"
