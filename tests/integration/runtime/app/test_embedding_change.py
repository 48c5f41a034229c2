"""Another embedding model for a knowledge base: the old passages answer until the last one is embedded anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from supportplane_crds import AgentFile, load_agent_file
from supportplane_runtime.app.clients import AgentClients, open_agent_clients
from supportplane_runtime.app.indexed import read_index
from supportplane_runtime.app.roles import knowledge
from supportplane_runtime.errors import KnowledgeUnavailable
from supportplane_runtime.rag.index.pgvector import PgVectorIndex
from supportplane_runtime.settings import Settings
from supportplane_runtime.store import migrate

pytestmark = pytest.mark.slow

AGENT = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {name: shop}
spec:
  tenant: {id: acme}
  template:
    model: {modelRef: {name: model}, writing: Disabled}
    knowledge: [{name: guide}]
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {name: model}
spec: {embedded: {}}
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {name: guide}
spec:
  sources: [{name: guide, path: guide}, {name: faq, path: faq}]
"""
MULTILINGUAL = "  embedding: {model: MultilingualE5-small}\n"
# As many as two batches, so that an ingestion can be broken off between them.
PAGES = {f"page{n}.md": f"# Page {n}\n\nShelf {n} holds parcel {n}.\n" for n in range(40)}


class Shop:
    """The agent's file and folder, and what one who serves would find. A change of the file is read by the next."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        nobody = SecretStr("redis://127.0.0.1:1")  # reading and searching need none
        agent_file, database_url = folder / "agent.yaml", SecretStr(url)
        self.settings = Settings(agent_file=agent_file, data_dir=folder, database_url=database_url, redis_url=nobody)
        for name in ("guide", "faq"):
            (folder / name).mkdir()
        for name, text in PAGES.items():
            (folder / "guide" / name).write_text(text)
        (folder / "faq" / "open.md").write_text("# Opening hours\n\nThe shop is open from nine to five.\n")
        self.declare(AGENT)

    def declare(self, text: str) -> AgentFile:
        self.settings.agent_file.write_text(text)
        return load_agent_file(self.settings.agent_file, check_sources=False)

    async def read(self) -> None:
        await knowledge.run(self.settings, load_agent_file(self.settings.agent_file, check_sources=False))


@pytest.fixture
def shop(tmp_path: Path, make_database: Callable[[], str]) -> Shop:
    url = make_database()
    migrate.upgrade(url)
    return Shop(tmp_path, url)


async def found(clients: AgentClients, question: str) -> str:
    retriever = clients.retriever(clients.file.knowledge_bases[0])
    result = await retriever.retrieve(question, [], limit=1)
    return result.evidence[0].chunk.document_id


async def test_the_old_passages_answer_until_the_new_ones_are_complete(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.read()
    changed = shop.declare(AGENT + MULTILINGUAL)
    upsert, written = PgVectorIndex.upsert, []

    async def broken_off(self: PgVectorIndex, *batch: Any) -> None:
        written.append(batch)
        if len(written) == 2:
            raise KnowledgeUnavailable("the machine is switched off")
        await upsert(self, *batch)

    async with open_agent_clients(shop.settings, changed) as clients:
        serving = clients.retriever(changed.knowledge_bases[0])
        assert (await serving.retrieve("opening hours", [], limit=1)).evidence
        with monkeypatch.context() as patched:
            patched.setattr(PgVectorIndex, "upsert", broken_off)
            with pytest.raises(KnowledgeUnavailable, match="switched off"):
                await shop.read()
        assert await found(clients, "When is the shop open?") == "faq/open.md"
        (count,) = (await read_index(clients)).counts
        assert (count.chunks, count.embedding, count.next_embedding) == (41, "MiniLM-L6-v2", "MultilingualE5-small")
        assert 0 < count.embedded < 41
        assert "32 of about 41 passages of guide are embedded with MultilingualE5-small" in count.change

        await shop.read()
        (count,) = (await read_index(clients)).counts
        assert (count.chunks, count.embedding, count.next_embedding) == (41, "MultilingualE5-small", "")
        # Who served all the while finds the new ones.
        (evidence,) = (await serving.retrieve("Wann ist der Laden offen?", [], limit=1)).evidence
        assert evidence.chunk.document_id == "faq/open.md"
        old = clients.collection(changed.knowledge_bases[0], "MiniLM-L6-v2")
        assert await clients.index.count(old) == (0, 0)


async def test_a_source_that_cannot_be_read_keeps_the_old_passages(shop: Shop) -> None:
    await shop.read()
    changed = shop.declare(AGENT + MULTILINGUAL)
    (shop.folder / "faq" / "open.md").unlink()
    (shop.folder / "faq").rmdir()
    with pytest.raises(KnowledgeUnavailable, match="passages of MiniLM-L6-v2 answer until every source can be read"):
        await shop.read()
    async with open_agent_clients(shop.settings, changed) as clients:
        assert await found(clients, "When is the shop open?") == "faq/open.md"
