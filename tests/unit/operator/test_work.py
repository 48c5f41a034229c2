"""Workers on an API server in memory: what one object's failure means for that object and for the others."""

import asyncio
from typing import Any

from structlog.testing import capture_logs

from support.eventually import eventually_async
from support.operator.in_memory import AGENT_KEY, OperatorInMemory
from support.operator.samples import AGENT, document
from supportplane_crds.names import FINALIZER

GATEWAY = ("Deployment", "helpdesk-gateway")


async def test_what_is_queued_is_reconciled(operator: OperatorInMemory) -> None:
    operator.run()
    async with operator.working():
        await operator.look()
        await eventually_async(lambda: operator.results("changed"), "the agent is made")
    assert GATEWAY in operator.children


async def test_a_failure_of_one_object_does_not_stop_the_others(operator: OperatorInMemory) -> None:
    operator.run()
    operator.create(document("SupportAgent", "second", AGENT))
    operator.server.fail("PATCH", "/deployments/helpdesk-gateway", 500, times=1000)
    async with operator.working():
        await operator.look()
        await eventually_async(lambda: operator.results("retried"), "the failure is told")
        await eventually_async(
            lambda: ("Deployment", "second-gateway") in operator.children, "the second agent is made"
        )
    assert GATEWAY not in operator.children


async def test_a_crash_over_one_object_does_not_stop_the_others(operator: OperatorInMemory) -> None:
    odd: dict[str, Any] = {"apiVersion": "supportplane.io/v1alpha1", "kind": "SupportAgent", "spec": {}}
    operator.own.seen({**odd, "metadata": {"name": "odd", "resourceVersion": "1"}})  # nothing else tells of it
    with capture_logs() as logged:
        async with operator.working():
            await eventually_async(lambda: operator.results("crashed"), "the odd object is worked on")
            operator.run()
            await operator.look()
            await eventually_async(lambda: operator.results("changed"), "the agent is made")
    assert GATEWAY in operator.children
    assert ("reconcile_crashed", "odd") in {(each["event"], each.get("name")) for each in logged}


async def test_a_failure_is_tried_again_until_it_is_none(operator: OperatorInMemory) -> None:
    operator.run()
    operator.server.fail("PATCH", "/helpdesk", 409)  # the finalizer
    await operator.look()  # nothing tells of the agent again
    async with operator.working():
        await eventually_async(lambda: operator.results("changed"), "the agent is made")
    assert operator.results("retried") == 1


async def test_a_conflict_is_retried_with_the_newer_version(operator: OperatorInMemory) -> None:
    operator.run()
    await operator.look()
    operator.patch("SupportAgent", "helpdesk", {"metadata": {"finalizers": ["example.com/hold"]}})
    async with operator.working():
        await eventually_async(lambda: operator.results("retried"), "the conflict")
        await operator.look()
        await eventually_async(lambda: operator.results("changed"), "the agent is made")
    found = operator.read("SupportAgent", "helpdesk") or {}
    assert found["metadata"]["finalizers"] == ["example.com/hold", FINALIZER]


async def test_fifty_edits_end_at_the_last(operator: OperatorInMemory) -> None:
    operator.run()
    await operator.look()
    async with operator.working(4):
        for number in range(50):
            text = {"inline": f"Be brief, version {number}."}
            edited = operator.patch("SupportAgent", "helpdesk", {"spec": {"template": {"instructions": text}}})
            operator.own.seen(edited)  # as a watch would tell
            await asyncio.sleep(0)
        await eventually_async(lambda: is_current(operator), "the last edit is what is wanted")
    configs = [found["data"]["agent.yaml"] for (kind, _), found in operator.children.items() if is_config(kind, found)]
    assert [text for text in configs if "version 49" in text]
    assert len(configs) <= 2


async def test_one_object_is_never_worked_on_twice_at_the_same_time(operator: OperatorInMemory) -> None:
    operator.run()
    await operator.look()
    async with operator.working(4):
        for _ in range(20):
            operator.queue.add(AGENT_KEY)
            await asyncio.sleep(0)
        await eventually_async(lambda: operator.results("settled"), "nothing is left to write")
    assert operator.results("retried") == operator.results("crashed") == 0


async def test_what_is_refused_waits_for_a_person(operator: OperatorInMemory) -> None:
    theirs = {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "helpdesk-gateway"}}
    operator.create(theirs)
    operator.run()
    async with operator.working():
        await operator.look()
        await eventually_async(lambda: operator.results("refused"), "the refusal")
        operator.delete("ServiceAccount", "helpdesk-gateway")
        assert len(operator.queue) == 0
        operator.queue.add(AGENT_KEY)  # as a change of the agent would
        await eventually_async(lambda: GATEWAY in operator.children, "the rest is made")


async def test_without_the_lease_nothing_is_written_and_the_key_is_given_back(operator: OperatorInMemory) -> None:
    operator.run()
    operator.leads = False
    before = operator.version
    async with operator.working():
        await operator.look()
        await eventually_async(lambda: operator.results("not_leading"), "the replica that does not lead")
        assert operator.version == before
        operator.leads = True
        operator.queue.add(AGENT_KEY)
        await eventually_async(lambda: operator.results("changed"), "the replica leads and writes")


async def test_the_children_of_a_deleted_agent_go(operator: OperatorInMemory) -> None:
    operator.run()
    async with operator.working():
        await operator.look()
        await eventually_async(lambda: GATEWAY in operator.children, "the agent is made")
        operator.delete("SupportAgent", "helpdesk")
        await operator.look()
        await eventually_async(lambda: operator.read("SupportAgent", "helpdesk") is None, "the agent is gone")
    assert operator.children == {}


def is_current(operator: OperatorInMemory) -> bool:
    found = operator.read("SupportAgent", "helpdesk") or {}
    return bool(found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"] == 51)


def is_config(kind: str, found: dict[str, Any]) -> bool:
    return kind == "ConfigMap" and "agent.yaml" in found.get("data", {})
