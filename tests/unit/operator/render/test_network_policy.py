from typing import Any

import pytest

from support.operator.samples import SETTINGS, by_name, endpoint_snapshot, snapshot
from supportplane_crds.roles import BY_NAME
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import Manifest

EVERYWHERE = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]
DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}


def policies(spec: dict[str, Any] | None = None, settings: Settings = SETTINGS, **more: Any) -> dict[str, Manifest]:
    found = by_name(render(Plan(snapshot(spec, **more), settings)), "NetworkPolicy")
    return {name: each["spec"] for name, each in found.items()}


def ports(*numbers: int) -> list[Manifest]:
    return [{"port": each, "protocol": "TCP"} for each in numbers]


def pods(component: str) -> Manifest:
    labels = {"supportplane.io/agent": "helpdesk", "app.kubernetes.io/component": component}
    return {"podSelector": {"matchLabels": labels}}


def namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def outward(policy: Manifest) -> list[Manifest]:
    """Where pods may go beside the roles that they ask, which test_roles.py compares with the table."""
    roles = [pods(name) for name in BY_NAME]
    return [rule for rule in policy["egress"] if not any(peer in roles for peer in rule.get("to", ()))]


PROBERS = {"from": [namespace("monitoring")], "ports": ports(8082)}


def test_what_no_other_policy_speaks_of_is_refused() -> None:
    assert policies()["helpdesk-default"] == {
        "podSelector": {"matchLabels": {"supportplane.io/agent": "helpdesk"}},
        "policyTypes": ["Ingress", "Egress"],
    }


def test_orchestrators_are_called_by_gateways_and_read_by_monitoring_only() -> None:
    policy = policies()["helpdesk-orchestrator"]
    assert {**policy, "egress": outward(policy)} == {
        "podSelector": pods("orchestrator")["podSelector"],
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [pods("gateway")], "ports": ports(8081)}, PROBERS],
        "egress": [
            DNS,
            {"to": EVERYWHERE, "ports": ports(5432, 6432)},
            {"to": EVERYWHERE, "ports": ports(6379, 6380)},
            {"to": EVERYWHERE, "ports": ports(443)},
        ],
    }


def test_a_gateway_may_be_called_from_everywhere_unless_namespaces_are_named() -> None:
    assert policies()["helpdesk-gateway"]["ingress"] == [{"ports": ports(8080)}, {"ports": ports(8082)}]
    named = {"networkPolicy": {"ingressFrom": [{"name": "shop", "namespaceLabels": {"team": "shop"}}]}}
    shop = {"namespaceSelector": {"matchLabels": {"team": "shop"}}}
    peers = [shop, namespace(SETTINGS.namespace), namespace("monitoring")]
    assert policies(named)["helpdesk-gateway"]["ingress"] == [{"from": peers, "ports": ports(8080)}, PROBERS]


def test_no_agent_reaches_the_api_server() -> None:
    settings = SETTINGS.model_copy(update={"api_server_cidrs": ("10.0.0.1/32", "fd00::1/128")})
    blocks = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.1/32"]}},
        {"ipBlock": {"cidr": "::/0", "except": ["fd00::1/128"]}},
    ]
    egress = outward(policies(settings=settings)["helpdesk-orchestrator"])
    assert [each["to"] for each in egress if "to" in each] == [blocks, blocks, blocks]


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://models.example.com/v1", {"to": EVERYWHERE, "ports": ports(443)}),
        ("http://198.18.0.5:9000/v1", {"to": EVERYWHERE, "ports": ports(9000)}),
        ("http://vllm.models.svc/v1", {"to": [namespace("models")]}),
        ("http://vllm.models.svc.cluster.local:8000/v1", {"to": [namespace("models")]}),
        ("http://vllm:8000/v1", {"to": [{"podSelector": {}}]}),
    ],
)
def test_a_model_is_reached_by_labels_in_the_cluster_and_by_port_outside(url: str, rule: Manifest) -> None:
    egress = outward(policies(endpoint={"url": url, "model": "m"})["helpdesk-orchestrator"])
    assert egress[3] == rule


def test_stores_of_the_operators_making_are_reached_by_labels() -> None:
    managed = {
        "persistence": {
            "database": {"secretRef": None, "cloudNativePG": {}},
            "cache": {"secretRef": None, "managed": {}},
            "vectorStore": {"weaviate": {"managed": {}}},
        }
    }
    found = policies(managed, endpoint={"embedded": {}})
    assert outward(found["helpdesk-orchestrator"]) == [
        DNS,
        {"to": [{"podSelector": {"matchLabels": {"cnpg.io/cluster": "helpdesk-db"}}}], "ports": ports(5432)},
        {"to": [pods("cache")], "ports": ports(6379)},
        {"to": [{"podSelector": {"matchLabels": {"supportplane.io/model": "slm"}}}], "ports": ports(8080)},
        {"to": [pods("weaviate")], "ports": ports(8080, 50051)},
    ]
    everyone = {"podSelector": {"matchLabels": {"supportplane.io/agent": "helpdesk"}}}
    assert found["helpdesk-cache"]["ingress"] == [{"from": [everyone], "ports": ports(6379)}]
    assert "egress" not in found["helpdesk-cache"]
    assert found["helpdesk-weaviate"]["ingress"] == [{"from": [everyone], "ports": ports(8080, 50051)}]


def test_policies_can_be_switched_off() -> None:
    assert policies({"networkPolicy": {"enabled": False}}) == {}


def test_only_a_model_server_that_downloads_reaches_the_hub() -> None:
    serving: dict[str, Any] = {"serving": {"engine": "TGI", "image": "ghcr.io/x/tgi:3", "model": "a/b"}}
    served = by_name(render_endpoint(endpoint_snapshot(serving), SETTINGS), "NetworkPolicy")["slm-model"]["spec"]
    embedded = by_name(render_endpoint(endpoint_snapshot({"embedded": {}}), SETTINGS), "NetworkPolicy")["slm-model"][
        "spec"
    ]
    assert served["egress"] == [DNS, {"ports": ports(443)}]
    assert "egress" not in embedded
