"""When a process is ready, what it says of readings that went wrong, and what a reading leaves, on the real parts."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from support.laptop.running_agent import poll
from support.runtime.roles import Roles, is_ready
from supportplane_cli.embedded.ports import free_port
from supportplane_cli.embedded.process import Child

pytestmark = pytest.mark.slow
DEADLINE_S = 120.0
AGENT = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {{name: shop}}
spec:
  mode: {mode}
  tenant: {{id: acme}}
  template:
    model: {{modelRef: {{name: model}}, writing: Disabled}}
    knowledge: [{{name: guide}}, {{name: terms}}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {{name: model}}
spec: {{url: "http://127.0.0.1:{nobody}/v1", model: none}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {{name: guide}}
spec: {{sources: [{{name: guide, path: guide}}, {{name: faq, path: faq}}]}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {{name: terms}}
spec: {{sources: [{{name: terms, path: terms}}]}}
"""
TEXTS = {"guide": "Print the return label.", "faq": "A refund takes five days.", "terms": "The warranty is two years."}


@dataclass
class Shop:
    folder: Path
    roles: Roles
    database_url: str

    def write(self, mode: str = "Auto") -> None:
        for name, text in TEXTS.items():
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / "one.md").write_text(f"# {name}\n\n{text}\n")
        (self.folder / "agent.yaml").write_text(AGENT.format(mode=mode, nobody=free_port()))

    def serve(self, role: str = "serve", **more: str) -> tuple[int, Child]:
        """A role that answers, ready or not."""
        port = free_port()
        child = self.roles.start(role, port=port, more=more)
        child.wait_ready(lambda: is_ready(port, "/livez"), deadline_s=DEADLINE_S)
        return port, child

    def read(self) -> tuple[int | None, list[dict[str, Any]], list[dict[str, Any]]]:
        """The knowledge role: its exit code, what it said and what it logged."""
        child = self.roles.start("knowledge")
        code = child.wait(timeout_s=300)
        lines = [json.loads(line) for line in child.spec.log_file.read_text().splitlines() if line.startswith("{")]
        said = [line for line in lines if line["event"] in {"finished", "failed"}]
        return code, said, [line for line in lines if line["event"] == "document_skipped"]

    def indexed(self) -> set[str]:
        with psycopg.connect(self.database_url) as connection:
            return {name for (name,) in connection.execute("SELECT DISTINCT document_id FROM knowledge_chunks")}


@pytest.fixture
def shop(tmp_path: Path, make_database: Callable[[], str], redis_url: str) -> Iterator[Shop]:
    database_url = make_database()
    environment = {
        "SUPPORTPLANE_AGENT_FILE": str(tmp_path / "agent.yaml"),
        "SUPPORTPLANE_DATA_DIR": str(tmp_path / "data"),
        "SUPPORTPLANE_DATABASE_URL": database_url,
        "SUPPORTPLANE_REDIS_URL": redis_url,
    }
    with ExitStack() as stack:
        made = Shop(tmp_path, Roles(stack, tmp_path, environment), database_url)
        made.write()
        made.roles.run("migrate")
        yield made


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as reply:
            return reply.status, reply.read().decode()
    except HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def told(port: int, path: str, expected: str) -> str:
    """What is found there once it holds what is expected: findings stand for a second."""

    def found() -> str | None:
        text = get(port, path)[1]
        return text if expected in text else None

    text = poll(found, deadline_s=60, what=f"{path} telling {expected!r}")
    assert isinstance(text, str)
    return text


def test_readiness_waits_for_the_first_index_and_a_lost_one_only_degrades(shop: Shop) -> None:
    port, _ = shop.serve()
    code, body = get(port, "/readyz")
    assert (code, json.loads(body)["reasons"]) == (503, ["index: Knowledge base guide has not been read yet."])
    assert json.loads(get(port, "/health")[1])["status"] == "starting"
    assert shop.read()[0] == 0
    poll(lambda: is_ready(port), deadline_s=60, what="readiness after the first reading")
    with psycopg.connect(shop.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM knowledge_chunks")
    told(port, "/health", "No documents are indexed yet")
    assert get(port, "/readyz")[0] == 200
    assert json.loads(get(port, "/health")[1])["status"] == "degraded"


def test_a_process_that_finds_an_index_is_ready_at_once(shop: Shop) -> None:
    assert shop.read()[0] == 0
    port, _ = shop.serve()
    assert get(port, "/readyz")[0] == 200


def test_an_agent_that_hands_every_question_off_waits_for_no_index(shop: Shop) -> None:
    shop.write(mode="HandoffOnly")
    port, _ = shop.serve()
    assert get(port, "/readyz")[0] == 200


def test_readiness_waits_for_the_file_of_the_first_key(shop: Shop) -> None:
    assert shop.read()[0] == 0
    key = shop.folder / "api-key"
    port, _ = shop.serve(SUPPORTPLANE_FIRST_KEY_FILE=str(key))
    code, body = get(port, "/readyz")
    assert (code, json.loads(body)["reasons"]) == (503, ["api-key: The first API key has not been written yet."])
    key.write_text("sp_…")
    poll(lambda: is_ready(port), deadline_s=60, what="readiness with the key")
    key.unlink()
    assert get(port, "/readyz")[0] == 200


def test_a_gateway_of_a_cluster_waits_for_the_index_that_the_orchestrator_tells_of(shop: Shop) -> None:
    behind, _ = shop.serve("orchestrator")
    port, _ = shop.serve("gateway", SUPPORTPLANE_ORCHESTRATOR_URL=f"http://127.0.0.1:{behind}")
    assert is_ready(behind)  # turns are accepted: an orchestrator has no say in who may ask
    told(port, "/readyz", "index: Knowledge base guide has not been read yet.")
    assert shop.read()[0] == 0
    poll(lambda: is_ready(port), deadline_s=60, what="readiness of the gateway")


def test_a_file_that_cannot_be_read_is_named_and_counted_and_the_rest_is_indexed(shop: Shop) -> None:
    (shop.folder / "guide" / "broken.md").write_bytes(b"# Broken\n\nGr\xfc\xdfe\n")
    code, said, skipped = shop.read()
    assert code == 0
    (line,) = skipped
    assert (line["knowledge_base"], line["name"]) == ("guide", "guide/broken.md")
    assert "is not UTF-8" in line["reason"]
    assert [each["name"] for each in said[0]["skipped"]] == ["guide/broken.md"]
    assert shop.indexed() == {"guide/one.md", "faq/one.md", "terms/one.md"}
    port, _ = shop.serve()
    assert get(port, "/readyz")[0] == 200
    assert json.loads(get(port, "/health")[1])["parts"][-1]["detail"] == "3 documents, 3 passages; 1 files left out."
    text = get(port, "/metrics")[1]
    assert 'supportplane_knowledge_skipped_documents{knowledge_base="guide"} 1.0' in text
    assert 'supportplane_knowledge_documents{knowledge_base="guide"} 2.0' in text


def test_a_source_that_is_gone_keeps_its_documents_and_nobody_from_the_others(shop: Shop) -> None:
    assert shop.read()[0] == 0
    (shop.folder / "faq" / "one.md").unlink()
    (shop.folder / "faq").rmdir()
    (shop.folder / "guide" / "two.md").write_text("# Two\n\nAnother page.\n")
    (shop.folder / "terms" / "two.md").write_text("# Two\n\nAnother page.\n")
    code, said, _ = shop.read()
    assert code == 1
    assert [(each["event"], each["knowledge_base"]) for each in said] == [("finished", "guide"), ("finished", "terms")]
    assert said[0]["unread"][0]["source"] == "faq"
    assert shop.indexed() == {"guide/one.md", "guide/two.md", "faq/one.md", "terms/one.md", "terms/two.md"}
    port, _ = shop.serve()
    assert get(port, "/readyz")[0] == 200
    detail = told(port, "/health", "knowledge base guide could not be refreshed")
    assert json.loads(detail)["status"] == "degraded"
    assert str(shop.folder) not in detail  # whoever reaches the port may read it
    assert 'supportplane_knowledge_not_refreshed{knowledge_base="guide"} 1.0' in get(port, "/metrics")[1]
    shop.write()
    assert shop.read()[0] == 0
    told(port, "/health", "5 documents, 5 passages.")


def test_a_knowledge_base_that_cannot_be_read_the_first_time_keeps_no_agent_from_the_others(shop: Shop) -> None:
    (shop.folder / "terms" / "one.md").unlink()
    code, said, _ = shop.read()
    assert code == 1
    assert said[1]["event"] == "failed"
    assert "no file below" in said[1]["reason"]
    port, _ = shop.serve()
    assert get(port, "/readyz")[0] == 200


def test_files_that_no_pattern_selects_are_counted_by_their_suffix(shop: Shop) -> None:
    for name in ("a.rst", "b.rst", "Makefile"):
        (shop.folder / "guide" / name).write_text("text")
    code, said, _ = shop.read()
    assert code == 0
    assert said[0]["unselected"] == [{"source": "guide", "files": [[".rst", 2], ["without a suffix", 1]]}]
