import pytest

from supportplane_runtime.evaluation.fits import Example, coefficients, left_out, shared_features


def examples(group: str, *, count: int = 10, sign: int = 1, **more: float) -> list[Example]:
    """Half of them positive: those whose feature is high, or low when the sign is turned."""
    return [
        Example(group, {"nearness": sign * (n - count / 2 + 0.5) / count, **more}, is_positive=2 * n >= count)
        for n in range(count)
    ]


def test_a_group_is_judged_by_what_the_others_teach() -> None:
    rows = [*examples("shop"), *examples("bank"), *examples("odd", sign=-1)]
    found = left_out(rows)
    odd = [value for row, value in zip(rows, found, strict=True) if row.group == "odd" and value is not None]
    assert len(odd) == 10
    assert odd[0] > 0.5 > odd[-1]  # taught by shop and bank, wrong for this one


def test_a_group_without_others_that_teach_has_no_probability() -> None:
    assert left_out(examples("shop")) == [None] * 10
    alike = [Example("bank", {"nearness": 0.5}, is_positive=True)] * 4
    found = left_out([*examples("shop"), *alike])
    assert found[:10] == [None] * 10
    assert None not in found[10:]


def test_only_features_that_every_example_has_are_used() -> None:
    rows = [*examples("shop", words=1.0), *examples("bank")]
    assert shared_features(rows) == ["nearness"]
    assert None not in left_out(rows)
    assert left_out([*examples("shop"), Example("bank", {}, is_positive=True)]) == [None] * 11


def test_a_large_group_weighs_no_more_than_a_small_one() -> None:
    small = [Example("shop", {"nearness": 1.0}, is_positive=True)] * 2
    large = [Example("bank", {"nearness": 1.0}, is_positive=False)] * 50
    intercept, weight = coefficients([*small, *large], ["nearness"])
    assert intercept + weight == pytest.approx(0.0, abs=0.01)  # as likely as not
