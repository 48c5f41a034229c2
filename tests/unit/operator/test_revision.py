from dataclasses import replace
from typing import Any

import pytest

from support.operator.samples import SETTINGS, snapshot
from supportplane_operator.revision import revision_of

SERVED = {"engine": "VLLM", "image": "vllm/vllm:1", "model": "a/b"}
SAME: dict[str, dict[str, Any]] = {
    "scaled": {"spec": {"scaling": {"replicas": 9}}},
    "autoscaled": {"spec": {"scaling": {"autoscaling": {"maxReplicas": 9}}}},
    "reached by a host name": {"spec": {"gateway": {"ingress": {"className": "nginx"}, "hostnames": ["a.example"]}}},
    "limited": {"spec": {"gateway": {"rateLimits": [{"scope": "APIKey", "requests": 1, "window": "1m"}]}}},
    "switched off": {"spec": {"mode": "HandoffOnly"}},
    "described": {"spec": {"description": "other words"}},
    "given more memory": {"spec": {"workloads": {"gateway": {"resources": {"limits": {"memory": "2Gi"}}}}}},
    "kept elsewhere": {"spec": {"persistence": {"database": {"secretRef": {"name": "other"}}}}},
}
OTHER: dict[str, dict[str, Any]] = {
    "instructed": {"spec": {"template": {"instructions": {"inline": "Be brief."}}}},
    "asked to write": {"spec": {"template": {"model": {"writing": "Verified"}}}},
    "of another tenant": {"spec": {"tenant": {"id": "other"}}},
    "of another image": {"spec": {"images": {"runtime": "registry.example/runtime:2"}}},
    "with another model": {"endpoint": {"url": "https://models.example.com/v1", "model": "other"}},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_does_not_change_an_answer_does_not_change_the_revision(change: dict[str, Any]) -> None:
    assert revision_of(snapshot(**change), SETTINGS) == revision_of(snapshot(), SETTINGS)


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_changes_answers_changes_the_revision(change: dict[str, Any]) -> None:
    assert revision_of(snapshot(**change), SETTINGS) != revision_of(snapshot(), SETTINGS)


def test_other_documents_are_another_revision() -> None:
    assert revision_of(replace(snapshot(), bases=()), SETTINGS) != revision_of(snapshot(), SETTINGS)


def test_the_size_of_a_model_server_is_no_revision_but_its_model_is() -> None:
    small = snapshot(endpoint={"serving": SERVED})
    large = snapshot(endpoint={"serving": {**SERVED, "replicas": 4, "gpu": {"count": 2}, "cacheSize": "90Gi"}})
    other = snapshot(endpoint={"serving": {**SERVED, "model": "a/c"}})
    assert revision_of(small, SETTINGS) == revision_of(large, SETTINGS)
    assert revision_of(small, SETTINGS) != revision_of(other, SETTINGS)


def test_a_revision_is_ten_hexadecimal_digits() -> None:
    found = revision_of(snapshot(), SETTINGS)
    assert len(found) == 10
    assert int(found, 16) >= 0
