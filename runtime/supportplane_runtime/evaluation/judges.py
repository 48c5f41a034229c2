"""Ways to prove the sentences of a claims file: without a judge of meaning, with a simulated one, with a real model.

All of them begin as a turn does: a quotation is proven, a sentence that breaks a hard rule is not, and only what is
between them is the judge's. Called by the command line.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from supportplane_runtime import languages
from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.claims import Claim, Judge
from supportplane_runtime.orchestrator import judge as judging
from supportplane_runtime.rag.evidence.rules.table import breach
from supportplane_runtime.rag.evidence.verify import quotation, support

NONE: Final = "none"
ACCEPTS_EVERYTHING: Final = "accepts-everything"
RIGHT_BUT_FOR: Final = "right-but-for:"
# What a run shows when nobody chooses: the guess of 3 % is that of a large model on plain documents.
USUAL: Final = (NONE, ACCEPTS_EVERYTHING, f"{RIGHT_BUT_FOR}0.03")
SEEDS: Final = 50


def settled(claim: Claim) -> bool | None:
    """What the code alone says of a claim, in a turn whose answer is in the claim's language; None: a judge decides."""
    spoken, written = languages.language(claim.language), languages.language(claim.passage_language)
    if quotation(claim.claim, claim.passage) is not None:
        return True
    return False if breach(claim.claim, claim.passage, spoken=spoken, written=written) is not None else None


@dataclass(frozen=True, slots=True)
class Rules:
    """Satisfies Judge: a turn without a judge of meaning, in which near quotations alone count."""

    name: str = "rules"

    async def accepts(self, claim: Claim) -> float:
        written = languages.language(claim.passage_language)
        return float(support(claim.claim, claim.passage, written) is not None)


@dataclass(frozen=True, slots=True)
class AcceptsEverything:
    """Satisfies Judge: what the hard rules let through, whatever a judge says."""

    name: str = ACCEPTS_EVERYTHING

    async def accepts(self, claim: Claim) -> float:
        return float(settled(claim) is not False)


@dataclass(frozen=True, slots=True)
class RightButFor:
    """Satisfies Judge: a judge that errs in a share of its verdicts, by chance; the mean of so many seeds."""

    error: float
    seeds: int = SEEDS

    @property
    def name(self) -> str:
        return f"right-but-for-{self.error:g}"

    async def accepts(self, claim: Claim) -> float:
        known = settled(claim)
        if known is not None:
            return float(known)
        said = (self._errs(claim, seed) is not claim.supported for seed in range(self.seeds))
        return sum(said) / self.seeds

    def _errs(self, claim: Claim, seed: int) -> bool:
        return random.Random(f"{seed} {claim.claim} {claim.passage}").random() < self.error  # noqa: S311 - no secret


class ByModel:
    """Satisfies Judge: a model, asked as in a turn, a sentence a call. No verdict counts as in a turn: not proven."""

    def __init__(self, name: str, judge: judging.Judge) -> None:
        self.name = name
        self._judge = judge

    async def accepts(self, claim: Claim) -> float:
        known = settled(claim)
        if known is not None:
            return float(known)
        said: Sequence[bool] | None = await self._judge.verdicts([judging.Question(claim.claim, claim.passage)])
        return float(bool(said and said[0]))


def simulated(word: str) -> Judge | None:
    """The judge that a word names, or None where it names none. Raises InvalidRequest for a share that is none."""
    if word in {NONE, ACCEPTS_EVERYTHING}:
        return Rules() if word == NONE else AcceptsEverything()
    if not word.startswith(RIGHT_BUT_FOR):
        return None
    try:
        error = float(word.removeprefix(RIGHT_BUT_FOR))
    except ValueError:
        error = -1.0
    if not 0 <= error <= 1:
        raise InvalidRequest(f"{word} names no share of wrong verdicts; write for example {RIGHT_BUT_FOR}0.03.")
    return RightButFor(error)
