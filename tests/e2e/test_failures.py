"""What breaks is told by the status and by `supportplane why`, and mended things mend the agent.

The tests share one agent; each breaks one thing, reads what a person is told, mends it and waits until all is well.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from e2e.helpdesk import AGENT, DATABASE_SECRET, MODEL, TELL_S, Helpdesk
from e2e.records import Records
from supportplane_cli.embedded.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MENDED_S = 180.0  # pods start again and the database is looked for with growing pauses
ABSENT = "localhost/absent:1"


@contextmanager
def broken(
    helpdesk: Helpdesk, records: Records, what: str, *, breaks: Callable[[], None], mends: Callable[[], None]
) -> Iterator[Callable[[Callable[[], bool], str], None]]:
    """Breaks something, mends it however the test ends, and waits until all is well.

    Yields what a test waits with for the status to tell of it.
    """

    def is_told(is_so: Callable[[], bool], complaint: str) -> None:
        records.add(what, "told", helpdesk.wait(is_so, complaint, deadline_s=TELL_S))
        records.keep(what, helpdesk.told())

    breaks()
    try:
        yield is_told
    finally:
        mends()
    records.add(what, "well again", helpdesk.wait(helpdesk.is_well, "it is not well again", deadline_s=MENDED_S))


def test_a_killed_pod_is_replaced_while_the_other_answers(helpdesk: Helpdesk, records: Records) -> None:
    def kills() -> None:
        helpdesk.kill("orchestrator")

    def is_told() -> bool:
        return "orchestrator" in helpdesk.why()

    with broken(helpdesk, records, "a killed pod", breaks=kills, mends=lambda: None) as tell:
        tell(is_told, "nothing is said of the pod")
        assert helpdesk.ask().status == 200


def test_a_deleted_deployment_returns(helpdesk: Helpdesk, records: Records) -> None:
    name = f"{AGENT}-gateway"

    def deletes() -> None:
        helpdesk.node.kubectl("delete", "deployment", name, "-n", helpdesk.space, "--wait=true")

    def is_back() -> bool:
        return helpdesk.node.try_kubectl("get", "deployment", name, "-n", helpdesk.space).returncode == 0

    with broken(helpdesk, records, "a deleted deployment", breaks=deletes, mends=lambda: None) as tell:
        tell(is_back, "the Deployment did not return")


def test_an_image_that_nobody_has_is_named_while_the_old_revision_answers(helpdesk: Helpdesk, records: Records) -> None:
    def names_it() -> None:
        helpdesk.patch("supportagent", AGENT, {"images": {"runtime": ABSENT}})

    def names_none() -> None:
        helpdesk.patch("supportagent", AGENT, {"images": None})

    with broken(helpdesk, records, "an absent image", breaks=names_it, mends=names_none) as tell:
        tell(lambda: is_named(helpdesk, "ImagePullFailed", ABSENT), "the image is not named")
        assert helpdesk.says("Ready", "True"), helpdesk.told()
        assert helpdesk.ask().status == 200


def test_a_model_that_does_not_answer_is_told_and_the_agent_quotes_its_documents(
    helpdesk: Helpdesk, records: Records
) -> None:
    nowhere = f"http://198.18.255.1:{free_port()}/v1"

    def points_at(url: str) -> Callable[[], None]:
        return lambda: helpdesk.patch("modelendpoint", MODEL, {"url": url})

    mends = points_at(helpdesk.outside.model_url)
    with broken(helpdesk, records, "a model at nothing", breaks=points_at(nowhere), mends=mends) as tell:
        # Another url is another revision, and the old one answers until the new one is ready.
        tell(lambda: helpdesk.says("ModelReady", "False", "ModelUnreachable"), "the model is not missed")
        assert "ModelUnreachable" in helpdesk.why()
        answer = helpdesk.ask()
        assert answer.status == 200, answer.body
        assert "42 days" in answer.json["response"]


def test_pods_outlive_their_database_secret_and_a_new_one_misses_it(helpdesk: Helpdesk, records: Records) -> None:
    def deletes() -> None:
        helpdesk.node.kubectl("delete", "secret", DATABASE_SECRET, "-n", helpdesk.space)

    def returns() -> None:
        helpdesk.set_database_password(helpdesk.outside.postgres.spec.role_password)

    with broken(helpdesk, records, "a deleted secret", breaks=deletes, mends=returns) as tell:
        assert helpdesk.ask().status == 200
        assert helpdesk.says("Ready", "True"), helpdesk.told()
        records.keep("a deleted secret, nothing restarted", helpdesk.told())
        helpdesk.kill("gateway")
        tell(lambda: is_named(helpdesk, "SecretNotFound", DATABASE_SECRET), "the Secret is not missed")
        assert helpdesk.ask().status == 200


def test_a_changed_database_password_is_told_and_the_old_one_mends_the_agent(
    helpdesk: Helpdesk, records: Records
) -> None:
    known = helpdesk.outside.postgres.spec.role_password

    def is_told() -> bool:
        return helpdesk.says("PersistenceReady", "False", "DatabaseUnreachable") and helpdesk.says("Ready", "False")

    with broken(
        helpdesk,
        records,
        "a changed password",
        breaks=lambda: helpdesk.outside.change_database_password(secrets.token_urlsafe(16)),
        mends=lambda: helpdesk.outside.change_database_password(known),
    ) as tell:
        tell(is_told, "the database is not missed")
        assert "DatabaseUnreachable" in helpdesk.why()


def test_a_new_database_password_is_taken_from_the_secret_by_restarted_pods(
    helpdesk: Helpdesk, records: Records
) -> None:
    known, new = helpdesk.outside.postgres.spec.role_password, secrets.token_urlsafe(16)

    def is_told() -> bool:
        return helpdesk.says("PersistenceReady", "False", "DatabaseUnreachable")

    def restarts(password: str) -> None:
        helpdesk.set_database_password(password)
        label = f"supportplane.io/agent={AGENT}"
        helpdesk.node.kubectl("rollout", "restart", "deployment", "-n", helpdesk.space, "-l", label)

    with broken(
        helpdesk,
        records,
        "a new password in the secret",
        breaks=lambda: helpdesk.outside.change_database_password(new),
        mends=lambda: restarts(new),
    ) as tell:
        tell(is_told, "the database is not missed")
    helpdesk.outside.change_database_password(known)
    restarts(known)
    helpdesk.wait(helpdesk.is_well, "it is not well again", deadline_s=MENDED_S)


def is_named(helpdesk: Helpdesk, reason: str, thing: str) -> bool:
    """Whether a condition has the reason and `why` names the thing."""
    reasons = {one["reason"] for one in helpdesk.status().get("conditions", ())}
    return reason in reasons and thing in helpdesk.why()
