"""From `kubectl apply` to an answer with sources: operator and agent as pods, installed and applied as documented."""

import pytest

from e2e.helpdesk import AGENT, Helpdesk
from e2e.records import Records

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_an_applied_agent_becomes_ready_and_answers_from_its_documents(helpdesk: Helpdesk, records: Records) -> None:
    answer = helpdesk.ask()
    assert answer.status == 200, answer.body
    assert "42 days" in answer.json["response"]
    assert "42 days" in answer.json["sources"][0]["quote"]
    records.keep("healthy", helpdesk.told())
    records.keep("explain-model", helpdesk.node.kubectl("explain", "sagent.spec.template.model"))


def test_an_agent_that_is_well_has_nothing_to_say(helpdesk: Helpdesk) -> None:
    (line,) = helpdesk.why().splitlines()
    assert line.startswith(f"[ok  ] SupportAgent {helpdesk.space}/{AGENT}")
