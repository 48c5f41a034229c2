from supportplane_operator.metrics import Metrics


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
