"""Progress events, in the customer's language."""

from collections.abc import Callable

from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.turns.events import Progress


def step_began(step: str, spoken: str) -> Callable[[int], Progress]:
    """step: understand, retrieve, answer, verify or handoff. To be given to ``emit``, which knows the sequence."""
    detail = spoken_language(spoken).progress[step]
    return lambda sequence: Progress(sequence, step, detail)
