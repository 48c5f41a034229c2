"""From the rendered manifests to an answer with sources, on a real kubelet: images, probes, Secrets, jobs, Services."""

import time

import pytest

from e2e.helpdesk import SPACE, Helpdesk
from e2e.node import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

READY_S = 240.0  # 2 cores, busy with other things too, start seven Python programs and index the documents
MENDED_S = 120.0


def test_the_rendered_agent_becomes_ready_and_answers_from_its_documents(helpdesk: Helpdesk) -> None:
    began = time.monotonic()
    wait_until(helpdesk.is_available, "the agent did not become ready", deadline_s=READY_S)
    ready_s = time.monotonic() - began
    answer = helpdesk.ask()
    assert answer.status == 200, answer.body
    assert "42 days" in answer.json["response"]
    assert "42 days" in answer.json["sources"][0]["quote"]
    answered_s = time.monotonic() - began - ready_s
    print(f"ready after {ready_s:.1f} s, answered {answered_s:.1f} s later")  # noqa: T201 -- a measurement


def test_a_killed_pod_is_replaced_while_the_other_answers(helpdesk: Helpdesk) -> None:
    victim = helpdesk.pods("orchestrator")[0]
    helpdesk.node.kubectl("delete", "pod", victim, "-n", SPACE, "--grace-period=0", "--force")
    assert helpdesk.ask().status == 200
    wait_until(helpdesk.is_available, "the pod was not replaced", deadline_s=MENDED_S)
