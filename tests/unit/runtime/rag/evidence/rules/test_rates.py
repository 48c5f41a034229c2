"""The hard rules on the lists of claims in tests/claims, where a judge accepts everything, and without a judge."""

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from supportplane_runtime.evaluation.claims import Claim, load
from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.rules.table import breach
from supportplane_runtime.rag.evidence.verify import support

CLAIMS = Path(__file__).parents[5] / "claims"
KINDS = ("negation", "order", "modality", "number", "unit")


@cache
def by_kind() -> dict[str, list[Claim]]:
    found = defaultdict(list)
    for path in sorted(CLAIMS.glob("*.jsonl")):
        for claim in load(path):
            found["true" if claim.supported else claim.kind].append(claim)
    return found


def is_refused(claim: Claim) -> bool:
    spoken, written = language(claim.language), language(claim.passage_language)
    return breach(claim.claim, claim.passage, spoken=spoken, written=written) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_of_false_claims_of_each_kind_the_rules_alone_refuse_nine_of_ten(kind: str) -> None:
    claims = by_kind()[kind]
    assert len(claims) >= 15
    passed = [claim.claim for claim in claims if not is_refused(claim)]
    assert len(passed) <= 0.1 * len(claims), passed


def test_of_true_claims_the_rules_refuse_seven_of_a_hundred_at_most() -> None:
    claims = by_kind()["true"]
    refused = [claim.claim for claim in claims if is_refused(claim)]
    assert len(refused) <= 0.07 * len(claims), refused


def test_without_a_judge_two_of_a_hundred_false_claims_pass_at_most() -> None:
    claims = [claim for kind in KINDS for claim in by_kind()[kind] if claim.language == claim.passage_language]
    passed = [each.claim for each in claims if support(each.claim, each.passage, language(each.passage_language))]
    assert len(passed) <= 0.02 * len(claims), passed
