from typing import Any

import pytest

from supportplane_crds import ModelEndpoint
from supportplane_operator.parse import Unusable, parse


def stored(spec: Any) -> dict[str, Any]:
    """As the API server sends it."""
    metadata = {"name": "slm", "namespace": "acme", "uid": "1", "resourceVersion": "2", "finalizers": ["x"]}
    return {
        "apiVersion": "supportplane.io/v1alpha1",
        "kind": "ModelEndpoint",
        "metadata": metadata,
        "spec": spec,
        "status": {},
    }


def test_what_the_api_server_adds_is_no_mistake() -> None:
    assert parse(ModelEndpoint, stored({"embedded": {}})).name == "slm"


@pytest.mark.parametrize(
    ("spec", "is_unknown", "sentence"),
    [
        ({"embedded": {}, "newer": 1}, True, "spec.newer: unknown field (allowed: embedded, "),
        ({"embedded": {"model": "Bigger"}}, True, "spec.embedded.model: unknown value Bigger"),
        ({"embedded": {}, "timeout": "never", "newer": 1}, True, "spec.newer: unknown field"),
        ({}, False, "spec: set exactly one of embedded"),
        (None, False, "spec: must be a mapping of fields"),
    ],
)
def test_an_object_of_another_contract_is_told_apart(spec: Any, is_unknown: bool, sentence: str) -> None:
    with pytest.raises(Unusable) as found:
        parse(ModelEndpoint, stored(spec))
    assert found.value.is_unknown is is_unknown
    assert found.value.sentence.startswith(sentence)
