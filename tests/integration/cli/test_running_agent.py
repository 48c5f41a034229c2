"""What a person does beside a running agent: ask, look, change documents and keys, start a second one by mistake."""

import json
import stat
import subprocess
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest

from support.laptop.running_agent import QUESTION, poll
from support.laptop.terminal import Terminal
from supportplane_cli.supervisor.greeting import curl

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_question_is_answered_from_the_documents_with_its_source(laptop: Terminal) -> None:
    reply = laptop.json("ask", QUESTION)
    assert "post office" in reply["response"]
    assert reply["outcome"] == "answered"
    assert "returns.md" in reply["sources"][0]["url"]


def test_the_curl_that_is_printed_works_when_pasted(laptop: Terminal) -> None:
    key = laptop.data / "api-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    line = curl(f"http://127.0.0.1:{laptop.port}", key)
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert {"response", "sources", "confidence", "ticket_id", "conversation_id"} <= set(json.loads(done.stdout))


def test_nothing_secret_was_printed_into_the_log(laptop: Terminal) -> None:
    secrets = [path.read_text().strip() for path in (laptop.data / "passwords").iterdir()]
    secrets.append((laptop.data / "api-key").read_text().strip())
    logs = [laptop.said(), *(path.read_text(errors="replace") for path in (laptop.data / "logs").iterdir())]
    assert not [secret for secret in secrets for log in logs if secret in log]


def test_status_names_every_part_and_where_it_is(laptop: Terminal) -> None:
    facts = poll(laptop.well, deadline_s=60, what="every part being well")
    assert {part["name"] for part in facts["parts"]} == {"postgres", "redis", "model", "gateway"}
    assert all(part["memory_mb"] > 0 for part in facts["parts"])
    assert facts["url"] == f"http://127.0.0.1:{laptop.port}"


def test_the_doctor_finds_nothing_wrong_and_measures_the_model(laptop: Terminal) -> None:
    def content() -> str | None:
        done = laptop.run("doctor", "--json")
        return done.stdout if done.returncode == 0 else None

    found = poll(content, deadline_s=60, what="a doctor who finds nothing wrong")  # a busy part is ill for a moment
    verdicts = {verdict["check"]: verdict for verdict in json.loads(found)}
    assert "tokens/s" in verdicts["model speed"]["detail"]


def test_a_second_up_on_the_same_folder_is_told_who_has_it(laptop: Terminal) -> None:
    assert laptop.process is not None
    refused = laptop.run(*laptop.up_flags)
    assert refused.returncode == 4
    assert f"in use by `supportplane up` (pid {laptop.process.pid})" in refused.stderr
    assert "supportplane down" in refused.stderr


def test_a_second_agent_on_the_same_port_is_told_who_has_it_and_the_flag(laptop: Terminal) -> None:
    other = Terminal(laptop.folder / "other", laptop.port)
    refused = other.run("up", "-f", str(laptop.folder / "agent.yaml"), "--port", str(laptop.port))
    assert refused.returncode == 1
    assert f"Port {laptop.port} is taken by" in refused.stderr
    assert f"(pid {laptop.pids()['gateway']})" in refused.stderr
    assert f"--port {laptop.port + 1}" in refused.stderr


def test_a_new_document_is_read_and_a_deleted_one_removed_and_nothing_else_is_touched(laptop: Terminal) -> None:
    added = laptop.folder / "guide" / "labels.md"
    added.write_text("# Return label\n\nThe return label is ninety millimetres wide and printed in black.\n")
    (result,) = laptop.json("ingest")
    assert (result["documents"], result["embedded"], result["deleted"]) == (2, 1, 0)
    assert "ninety" in laptop.json("ask", "How wide is the return label?")["response"]
    added.unlink()
    (again,) = laptop.json("ingest")
    assert (again["documents"], again["embedded"], again["deleted"]) == (1, 0, 1)


def test_keys_are_made_listed_and_revoked_and_a_revoked_one_is_refused(laptop: Terminal) -> None:
    made = laptop.json("keys", "create", "backend")
    key_file = laptop.folder / "backend-key"
    key_file.write_text(made["key"])
    as_backend = ("ask", QUESTION, "--key-file", str(key_file))
    assert laptop.run(*as_backend).returncode == 0
    listed = {key["key_id"]: key for key in laptop.json("keys", "list")}
    assert listed[made["key_id"]]["scopes"] == ["invoke"]
    assert made["key"] not in json.dumps(list(listed.values()))
    assert laptop.json("keys", "revoke", made["key_id"])["revoked_at"]

    poll(lambda: laptop.run(*as_backend).returncode == 5, deadline_s=30, what="the refusal of a revoked key")


def test_feedback_is_listed_and_counted_per_document(laptop: Terminal) -> None:
    turn_id = laptop.json("ask", QUESTION, "--user", "eve")["turn_id"]
    rate(laptop, turn_id, "Not \x1b]0;owned\x07 [/bold] what I asked.")

    (item,) = laptop.json("feedback", "--rating", "down", "--document", "guide/returns.md", "--since", "1h")
    assert (item["turn_id"], item["user_id"], item["question"]) == (turn_id, "eve", QUESTION)
    assert (item["agent"], item["revision"]) == ("shop", None)
    assert laptop.json("feedback", "--rating", "up", "--agent", "nobody") == []
    shown = laptop.run("feedback").stdout
    assert "[/bold]" in shown
    assert "\x1b" not in shown
    document = laptop.json("feedback", "report")[0]
    assert (document["document_id"], document["down"], document["share_down"]) == ("guide/returns.md", 1, 1.0)
    told = laptop.run("feedback", "report").stdout
    assert "100%" in told
    assert QUESTION in told


def rate(laptop: Terminal, turn_id: str, comment: str) -> None:
    body = json.dumps({"turn_id": turn_id, "rating": "down", "comment": comment}).encode()
    key = (laptop.data / "api-key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{laptop.port}/api/v1/feedback"
    with urlopen(Request(url, body, headers)) as reply:
        assert reply.status == 204


def test_feedback_is_not_shown_to_a_key_that_may_only_ask(laptop: Terminal) -> None:
    key_file = laptop.folder / "asker-key"
    key_file.write_text(laptop.json("keys", "create", "asker")["key"])
    refused = laptop.run("feedback", "--key-file", str(key_file))
    assert refused.returncode == 5
    assert "--scope read" in refused.stderr
    misplaced = laptop.run("feedback", "--since", "7d", "report")
    assert misplaced.returncode == 2
    assert "supportplane feedback report --since" in misplaced.stderr


def test_a_key_that_does_not_exist_is_a_sentence(laptop: Terminal) -> None:
    refused = laptop.run("keys", "revoke", "nonsense")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_a_link_is_made_for_a_browser(laptop: Terminal) -> None:
    assert laptop.run("link").stdout.startswith(f"http://127.0.0.1:{laptop.port}/#token=")


def test_sessions_are_listed_and_ended_one_or_all(laptop: Terminal) -> None:
    laptop.run("sessions", "end", "--all")
    cookies = [sign_in(laptop), sign_in(laptop)]
    first, second = laptop.json("sessions", "list")
    assert first["user_id"] == second["user_id"] == "local"
    assert laptop.run("sessions", "end", first["session_id"]).stdout == "Ended 1 session.\n"
    assert sorted(status_of(laptop, cookie) for cookie in cookies) == [200, 401]
    assert laptop.run("sessions", "end", first["session_id"]).returncode == 1
    assert laptop.run("sessions", "end").returncode == 2
    assert laptop.run("sessions", "end", "--all", "--dry-run").stdout == "Would end every session.\n"
    assert laptop.json("sessions", "end", "--all") == {"ended": 1}
    assert [status_of(laptop, cookie) for cookie in cookies] == [401, 401]
    assert laptop.json("sessions", "list") == []


def sign_in(laptop: Terminal) -> str:
    """The cookie of a browser that opened a new link."""
    address, _, token = laptop.run("link").stdout.strip().partition("/#token=")
    body = json.dumps({"token": token}).encode()
    asked = Request(f"{address}/api/v1/sessions", data=body, headers={"Content-Type": "application/json"})  # noqa: S310
    with urlopen(asked, timeout=30) as reply:  # noqa: S310 - our own address
        return str(reply.headers["Set-Cookie"]).partition(";")[0]


def status_of(laptop: Terminal, cookie: str) -> int:
    asked = Request(f"http://127.0.0.1:{laptop.port}/api/v1/conversations", headers={"Cookie": cookie})
    try:
        with urlopen(asked, timeout=30) as reply:  # noqa: S310 - our own address
            return int(reply.status)
    except HTTPError as refused:
        return refused.code


def test_logs_show_one_part_or_all(laptop: Terminal) -> None:
    assert "ready to accept connections" in laptop.run("logs", "postgres", "-n", "200").stdout
    assert laptop.run("logs", "nonsense").returncode == 1


def test_a_backup_is_taken_while_it_answers(laptop: Terminal) -> None:
    target = laptop.folder / "running.backup"
    assert laptop.run("backup", str(target)).returncode == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert laptop.run("restore", str(target), "--force").returncode == 4


def test_only_the_runtime_s_role_reaches_the_database_and_it_is_no_superuser(laptop: Terminal) -> None:
    state = json.loads((laptop.data / "state.json").read_text())
    with psycopg.connect(state["environment"]["SUPPORTPLANE_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
    assert stat.S_IMODE((laptop.data / "state.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(laptop.data.stat().st_mode) & 0o066 == 0
