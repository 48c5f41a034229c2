from support.repository import REPOSITORY
from supportplane_operator.metrics import Metrics

PAGE = REPOSITORY / "docs/operations/operator.md"


def counted(metrics: Metrics) -> dict[tuple[str, ...], float]:
    (family,) = (each for each in metrics.registry.collect() if each.name == "supportplane_operator_objects")
    return {tuple(each.labels.values()): each.value for each in family.samples}


def test_an_object_counts_once_by_what_was_last_found_of_it() -> None:
    metrics = Metrics()
    for name in ("one", "other", "one"):
        metrics.readiness.learn(name, kind="SupportAgent", ready="False", reason="Indexing")
    assert counted(metrics) == {("SupportAgent", "False", "Indexing"): 2}
    metrics.readiness.learn("one", kind="SupportAgent", ready="True", reason="Serving")
    metrics.readiness.forget("other")
    metrics.readiness.forget("nobody")
    assert counted(metrics) == {("SupportAgent", "False", "Indexing"): 0, ("SupportAgent", "True", "Serving"): 1}


def test_every_metric_is_documented() -> None:
    families = Metrics().registry.collect()
    names = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    assert {name for name in names if f"`{name}`" not in PAGE.read_text(encoding="utf-8")} == set()
