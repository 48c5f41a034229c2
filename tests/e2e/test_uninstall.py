"""What stays when the agents are deleted and the operator is uninstalled, in the order that the documentation gives."""

import psycopg
import pytest

from e2e.helpdesk import AGENT, Helpdesk
from e2e.installation import SPACE, Operator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

GONE = "deployments,replicasets,pods,services,jobs,serviceaccounts,networkpolicies,poddisruptionbudgets"


def test_data_and_definitions_stay_and_nothing_else_of_the_operator(helpdesk: Helpdesk, operator: Operator) -> None:
    node, label = helpdesk.node, f"supportplane.io/agent={AGENT}"
    assert helpdesk.ask().status == 200
    node.kubectl("delete", "supportagents", "--all", "--all-namespaces", "--timeout=110s")
    node.kubectl("wait", GONE, "-n", helpdesk.space, "-l", label, "--for=delete", "--timeout=110s")
    operator.uninstall()
    node.kubectl("wait", "pods", "-n", SPACE, "--all", "--for=delete", "--timeout=110s")
    assert questions(helpdesk) > 0
    assert {one["metadata"]["name"] for one in node.get("secrets", "-n", helpdesk.space)["items"]} >= {
        "helpdesk-api-keys",
        "helpdesk-cache",
        "helpdesk-database",
    }
    left = node.get("deployments,pods,services,secrets", "-n", SPACE)["items"]
    assert [one["metadata"]["name"] for one in left] == []
    assert node.get("crd", "supportagents.supportplane.io")


def questions(helpdesk: Helpdesk) -> int:
    """That were asked, as the database has them."""
    with psycopg.connect(helpdesk.outside.postgres.url(helpdesk.space, superuser=True)) as connection:
        row = connection.execute("SELECT count(*) FROM turns").fetchone()
    return int(row[0]) if row else 0
