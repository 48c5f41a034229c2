"""From the rendered manifests to an answer with sources, on a real kubelet: images, probes, Secrets, jobs, Services."""

import pytest

from e2e.helpdesk import READY_S, Helpdesk
from e2e.node import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_rendered_agent_becomes_ready_and_answers_from_its_documents(rendered: Helpdesk) -> None:
    wait_until(rendered.is_available, "the agent did not become ready", deadline_s=READY_S)
    answer = rendered.ask()
    assert answer.status == 200, answer.body
    assert "42 days" in answer.json["response"]
    assert "42 days" in answer.json["sources"][0]["quote"]
