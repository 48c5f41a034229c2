import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.evaluation.claims import Claim, Judge, load, measure
from supportplane_runtime.evaluation.figures import Better, Figure
from supportplane_runtime.evaluation.judges import AcceptsEverything, ByModel, RightButFor, Rules, simulated
from supportplane_runtime.model.memory import ScriptedChatModel
from supportplane_runtime.orchestrator.judge import ModelJudge

PASSAGE = "A parcel is kept for seven days. After that the parcel goes back to the sender."


def claim(text: str, *, supported: bool, kind: str, **more: Any) -> Claim:
    return Claim(id="1", passage=PASSAGE, claim=text, supported=supported, kind=kind, **more)


CLAIMS = [
    claim("A parcel is kept for seven days.", supported=True, kind="near_verbatim"),
    claim("We hold on to parcels for one week.", supported=True, kind="paraphrase"),
    claim("A parcel is kept for eleven days.", supported=False, kind="number"),
    claim("After that the parcel does not go back to the sender.", supported=False, kind="negation"),
]


@dataclass(frozen=True)
class Agreeable:
    """Accepts whatever speaks of one of its words."""

    name: str
    words: tuple[str, ...]

    async def accepts(self, claim: Claim) -> float:
        return float(any(word in claim.claim for word in self.words))


async def figures(claims: Sequence[Claim], *judges: Judge) -> dict[str, Figure]:
    return {figure.key: figure for figure in (await measure("parcels", claims, judges)).figures}


async def test_true_and_false_sentences_are_counted_apart_and_by_kind() -> None:
    found = await figures(CLAIMS, Agreeable("agreeable", ("seven", "eleven")))
    assert found["agreeable.true"].estimate.value == 0.5
    assert found["agreeable.true"].better is Better.HIGHER
    assert found["agreeable.false"].estimate.value == 0.5
    assert found["agreeable.false"].better is Better.LOWER
    assert found["agreeable.true.kind.paraphrase"].estimate.value == 0.0
    assert found["agreeable.false.kind.number"].estimate.value == 1.0
    assert found["agreeable.false.kind.number"].estimate.count == 1


async def test_a_rate_comes_with_wilsons_interval() -> None:
    found = (await figures(CLAIMS, Agreeable("agreeable", ("parcel",))))["agreeable.false"].estimate
    assert found.low == pytest.approx(0.342, abs=0.001)
    assert found.high == 1.0


async def test_every_judge_has_figures_of_its_own() -> None:
    found = await figures(CLAIMS, Agreeable("strict", ()), Agreeable("lax", ("",)))
    assert found["strict.false"].estimate.value == 0.0
    assert found["lax.false"].estimate.value == 1.0


async def test_the_product_rules_take_a_quotation_and_refuse_another_number() -> None:
    found = await figures(CLAIMS, Rules())
    assert found["rules.true.kind.near_verbatim"].estimate.value == 1.0
    assert found["rules.false"].estimate.value == 0.0


PARAPHRASED = claim("For seven days we keep a parcel for you.", supported=True, kind="paraphrase")
CAUSE = claim("The sender asks for the parcel after seven days.", supported=False, kind="cause")
BROKEN = claim("A parcel is kept for seven weeks.", supported=False, kind="unit")


async def test_a_judge_that_accepts_everything_shows_what_the_hard_rules_refuse() -> None:
    found = await figures([PARAPHRASED, CAUSE, BROKEN], AcceptsEverything())
    assert found["accepts-everything.true"].estimate.value == 1.0
    assert found["accepts-everything.false.kind.cause"].estimate.value == 1.0
    assert found["accepts-everything.false.kind.unit"].estimate.value == 0.0


async def test_a_judge_that_errs_is_measured_over_many_seeds_and_never_overrules_a_rule() -> None:
    found = await figures([PARAPHRASED, CAUSE, BROKEN], RightButFor(0.5, seeds=200))
    assert found["right-but-for-0.5.true"].estimate.value == pytest.approx(0.5, abs=0.15)
    assert found["right-but-for-0.5.false.kind.cause"].estimate.value == pytest.approx(0.5, abs=0.15)
    assert found["right-but-for-0.5.false.kind.unit"].estimate.value == 0.0
    assert await figures([CAUSE], RightButFor(0.5)) == await figures([CAUSE], RightButFor(0.5))


async def test_a_model_judges_only_what_the_rules_leave_open() -> None:
    model = ScriptedChatModel([['{"1": true}'], ["nonsense"]])
    judge = ByModel("scripted", ModelJudge(model))
    found = await figures([BROKEN, CLAIMS[0], PARAPHRASED, CAUSE], judge)
    assert found["scripted.true"].estimate.value == 1.0
    assert found["scripted.false"].estimate.value == 0.0
    assert len(model.calls) == 2


@pytest.mark.parametrize(("word", "name"), [("none", "rules"), ("right-but-for:0.1", "right-but-for-0.1"), ("x", None)])
def test_a_word_names_a_simulated_judge(word: str, name: str | None) -> None:
    judge = simulated(word)
    assert (judge.name if judge else None) == name


@pytest.mark.parametrize("word", ["right-but-for:", "right-but-for:2", "right-but-for:much"])
def test_a_share_that_is_none_is_an_error(word: str) -> None:
    with pytest.raises(InvalidRequest, match="share of wrong verdicts"):
        simulated(word)


async def test_languages_are_told_apart_where_there_are_several() -> None:
    german = claim("Pakete werden sieben Tage aufbewahrt.", supported=True, kind="translation", language="de")
    found = await figures([*CLAIMS, german], Agreeable("agreeable", ("sieben",)))
    assert found["agreeable.true.language.de"].estimate.value == 1.0
    assert found["agreeable.true.language.en"].estimate.value == 0.0
    assert not [key for key in await figures(CLAIMS, Rules()) if "language" in key]


async def test_the_same_claims_have_the_same_fingerprint_and_others_another() -> None:
    first, again = (await measure("parcels", CLAIMS, []), await measure("renamed", CLAIMS, []))
    assert first.contents == again.contents
    assert first.contents != (await measure("parcels", CLAIMS[1:], [])).contents


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


ROW = {"id": 1, "passage": PASSAGE, "claim": "Kept.", "supported": True, "kind": "voice", "note": "ignored"}


def test_claims_are_read_with_their_defaults(tmp_path: Path) -> None:
    (found,) = load(write(tmp_path / "claims.jsonl", ROW))
    assert (found.id, found.language, found.passage_language) == ("1", "en", "en")


def test_a_separator_inside_of_a_text_does_not_end_the_line(tmp_path: Path) -> None:
    row = json.dumps({**ROW, "passage": "One\u2028two."}, ensure_ascii=False)
    assert load(write(tmp_path / "claims.jsonl", row))[0].passage == "One\u2028two."


@pytest.mark.parametrize(
    ("row", "where"),
    [({**ROW, "supported": "perhaps"}, "supported"), ({**ROW, "claim": ""}, "claim"), ("{broken", "the line")],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, row: Any, where: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"claims\.jsonl:2: {where}"):
        load(write(tmp_path / "claims.jsonl", ROW, row))


def test_a_file_without_claims_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="has no claims"):
        load(write(tmp_path / "claims.jsonl"))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"none\.jsonl cannot be read: No such file"):
        load(tmp_path / "none.jsonl")
