import re

import pytest

from supportplane_crds import names
from supportplane_crds.kubernetes_page import CHILDREN
from supportplane_crds.reasons import ConditionType
from supportplane_crds.roles import BY_NAME, ROLES, Role
from supportplane_crds.runtime_status import CONDITIONS

EACH = pytest.mark.parametrize("role", ROLES, ids=lambda each: each.name)


def test_only_roles_of_the_table_ask_and_the_one_that_asks_stands_first() -> None:
    for index, role in enumerate(ROLES):
        assert set(role.asked_by) <= {each.name for each in ROLES[:index]}


def test_names_of_components_are_words_that_none_shares() -> None:
    assert len(BY_NAME) == len(ROLES)
    assert len(set(names.COMPONENTS)) == len(names.COMPONENTS)
    assert all(re.fullmatch("[a-z]+", each) for each in names.COMPONENTS)


@EACH
def test_a_role_takes_requests_beside_the_port_of_its_probes(role: Role) -> None:
    assert role.port != names.HEALTH_PORT


@EACH
def test_what_is_made_for_a_role_is_known_by_its_name(role: Role) -> None:
    made = {role.object_name("helpdesk"), role.deployment_name("helpdesk", "0123456789")}
    assert {names.component_of("helpdesk", name) for name in made} == {role.name}
    assert CONDITIONS[role.name] is ConditionType.AVAILABLE


@EACH
def test_the_page_and_the_label_name_a_role(role: Role) -> None:
    assert f"`{role.name}`" in names.LABELS[names.LABEL_COMPONENT]
    assert {role.object_name("<agent>"), role.deployment_name("<agent>", "<revision>")} <= set(CHILDREN)
