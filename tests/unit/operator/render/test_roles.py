import pytest

from support.operator.samples import ALL_APIS, SETTINGS, by_name, snapshot
from supportplane_operator.render import render
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.roles import BY_NAME, ROLES, Role

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


def test_only_roles_of_the_table_ask_and_the_one_that_asks_stands_first() -> None:
    for index, role in enumerate(ROLES):
        assert set(role.asked_by) <= {each.name for each in ROLES[:index]}
