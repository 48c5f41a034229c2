import importlib.util

import pytest

from support.operator.samples import ALL_APIS, SETTINGS, by_name, snapshot
from supportplane_crds.roles import BY_NAME, ROLES, Role
from supportplane_operator.render import render
from supportplane_operator.render.plan import Plan

SCALED = {"scaling": {"autoscaling": {"minReplicas": 2, "maxReplicas": 9}}}
KINDS = ("Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler")
EACH = pytest.mark.parametrize("role", ROLES, ids=lambda each: each.name)


@EACH
@pytest.mark.parametrize("kind", KINDS)
def test_every_role_has_one_of_each_kind_and_a_deployment(role: Role, kind: str) -> None:
    plan = Plan(snapshot(SCALED, apis=ALL_APIS), SETTINGS)
    manifests = render(plan)
    assert role.object_name("helpdesk") in by_name(manifests, kind)
    assert role.deployment_name("helpdesk", plan.revision) in by_name(manifests, "Deployment")


@EACH
def test_a_role_may_send_requests_to_exactly_the_roles_that_it_asks(role: Role) -> None:
    policies = by_name(render(Plan(snapshot(), SETTINGS)), "NetworkPolicy")
    rules = policies[role.object_name("helpdesk")]["spec"]["egress"]
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for rule in rules for peer in rule.get("to", ())]
    reached = {each.get("app.kubernetes.io/component") for each in labels} & set(BY_NAME)
    assert reached == {each.name for each in ROLES if role.name in each.asked_by}


@EACH
def test_a_role_that_customers_may_not_ask_lets_in_exactly_who_asks_it_and_who_probes(role: Role) -> None:
    policies = by_name(render(Plan(snapshot(), SETTINGS)), "NetworkPolicy")
    rules = policies[role.object_name("helpdesk")]["spec"]["ingress"]
    if role.is_public:
        assert rules[0] == {"ports": [{"port": role.port, "protocol": "TCP"}]}
        return
    assert all("from" in each for each in rules), "a rule without peers lets everybody in"
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for rule in rules for peer in rule["from"]]
    assert {each["app.kubernetes.io/component"] for each in labels if each} == set(role.asked_by)


@EACH
def test_a_role_is_told_where_the_roles_are_that_it_asks(role: Role) -> None:
    plan = Plan(snapshot(), SETTINGS)
    deployment = by_name(render(plan), "Deployment")[role.deployment_name("helpdesk", plan.revision)]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    addressed = {f"SUPPORTPLANE_{each.address_variable}": each for each in ROLES if each.address_variable}
    assert {name: told[name] for name in addressed.keys() & told.keys()} == {
        name: f"http://{each.object_name('helpdesk')}.acme.svc"
        for name, each in addressed.items()
        if role.name in each.asked_by
    }


@EACH
def test_a_role_is_a_program_of_the_runtime(role: Role) -> None:
    assert importlib.util.find_spec(f"supportplane_runtime.app.roles.{role.name}") is not None
