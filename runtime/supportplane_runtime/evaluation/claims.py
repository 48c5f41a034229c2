"""Sentences about a passage, put before a judge: which of the true ones it accepts, and which of the false ones.

A judge is whatever decides whether a passage proves a sentence. The rates say how far a sentence that a model wrote can
be trusted (false ones accepted) and how much of a good model is used (true ones accepted). Called by the command line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation import metrics
from supportplane_runtime.evaluation.figures import Better, Figure, Kind, MeasuredSet
from supportplane_runtime.evaluation.rows import fingerprint, rows


class Claim(BaseModel):
    """A row. supported: a reader who trusts only the passage would sign the claim. kind: what makes it hard.

    language: of the claim. passage_language: of the passage, which is the one that an agent knows.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    id: str
    passage: str = Field(min_length=1)
    claim: str = Field(min_length=1)
    supported: bool
    kind: str = Field(min_length=1)
    language: str = "en"
    passage_language: str = "en"


class Judge(Protocol):
    @property
    def name(self) -> str:
        """Stands in every figure of the judge, so it must not change from run to run."""
        ...

    async def accepts(self, claim: Claim) -> float:
        """0..1: whether the passage proves the claim; between them, how often one that errs by chance says so."""
        ...


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a judge said of a claim."""

    claim: Claim
    accepted: float


def load(path: Path) -> tuple[Claim, ...]:
    """Raises InvalidRequest for a file without claims or with a line that cannot be used."""
    found = tuple(rows(path, Claim))
    if not found:
        raise InvalidRequest(
            f"{path} has no claims. Put one claim a line there: id, passage, claim, supported, kind, language."
        )
    return found


async def measure(name: str, claims: Sequence[Claim], judges: Sequence[Judge]) -> MeasuredSet:
    """Every judge rules on every claim. name: of the set."""
    figures: list[Figure] = []
    for judge in judges:
        rulings = [await _ruling(judge, claim) for claim in claims]
        figures += _figures(judge.name, rulings)
    true = sum(claim.supported for claim in claims)
    facts = {
        "claims": len(claims),
        "true": true,
        "false": len(claims) - true,
        "passages": len({claim.passage for claim in claims}),
        "judges": ", ".join(judge.name for judge in judges),
    }
    contents = fingerprint(claim.model_dump_json(exclude={"id"}) for claim in claims)
    return MeasuredSet(Kind.CLAIMS, name, contents, figures, facts)


async def _ruling(judge: Judge, claim: Claim) -> Ruling:
    return Ruling(claim, await judge.accepts(claim))


def _figures(judge: str, rulings: Sequence[Ruling]) -> Iterator[Figure]:
    for is_true, word in ((True, "true"), (False, "false")):
        better = Better.HIGHER if is_true else Better.LOWER
        group = f"{word} sentences accepted by {judge}"
        ours = [ruling for ruling in rulings if ruling.claim.supported is is_true]
        yield Figure(
            group, f"{judge}.{word}", f"all {word} ones", _accepted(ours), better=better, column=f"{word}, {judge}"
        )
        for kind in sorted({ruling.claim.kind for ruling in ours}):
            of_kind = [ruling for ruling in ours if ruling.claim.kind == kind]
            yield Figure(group, f"{judge}.{word}.kind.{kind}", kind, _accepted(of_kind), better=better)
        languages = sorted({ruling.claim.language for ruling in rulings})
        for language in languages if len(languages) > 1 else []:
            spoken = [ruling for ruling in ours if ruling.claim.language == language]
            name = f"said in {language}"
            yield Figure(group, f"{judge}.{word}.language.{language}", name, _accepted(spoken), better=better)


def _accepted(rulings: Sequence[Ruling]) -> metrics.Estimate:
    return metrics.share([ruling.accepted for ruling in rulings])
