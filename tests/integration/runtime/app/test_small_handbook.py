"""A small handbook, asked through the API: in one file, in a file for each subject, and in Japanese."""

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.runtime.quoting_agent import quoting_agent
from support.runtime.roles import Roles
from supportplane_cli.embedded.ports import free_port
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.store.credentials import mint_key
from supportplane_runtime.store.interfaces.keys import KeyKind

pytestmark = pytest.mark.slow

SECTIONS = {
    "How long may I keep a tool?": "A tool may be kept for two weeks. Drills are lent for three days.",
    "What does lending cost?": "Lending is free for members. Others pay 4 euros a tool.",
    "When is the tool library open?": "The library opens on Wednesday and Saturday from 10 to 18.",
    "How do I become a member?": "Fill in the form at the desk and bring your identity card.",
    "What if a tool breaks?": "Bring the broken tool back and tell us what happened. You pay nothing for wear.",
}


class Library:
    """One agent over a folder of documents, asked over HTTP."""

    def __init__(self, stack: ExitStack, folder: Path, language: str, database_url: str, redis_url: str) -> None:
        self.key, self.guide, self.port = mint_key(KeyKind.SECRET), folder / "guide", free_port()
        keys = folder / "keys"
        for each in (self.guide, keys, folder / "data"):
            each.mkdir()
        (keys / "site").write_text(self.key)
        tenant = f"library-{secrets.token_hex(4)}"
        agent = quoting_agent(self.guide, name="library", tenant=tenant, language=language)
        (folder / "agent.yaml").write_text(agent)
        environment = {
            "SUPPORTPLANE_AGENT_FILE": str(folder / "agent.yaml"),
            "SUPPORTPLANE_DATA_DIR": str(folder / "data"),
            "SUPPORTPLANE_DATABASE_URL": database_url,
            "SUPPORTPLANE_REDIS_URL": redis_url,
            "SUPPORTPLANE_API_KEYS_DIR": str(keys),
        }
        self.roles = Roles(stack, folder, environment)

    def read(self, files: Mapping[str, str]) -> None:
        """These documents and no others."""
        for each in self.guide.iterdir():
            each.unlink()
        for name, text in files.items():
            (self.guide / name).write_text(text, "utf-8")
        self.roles.run("knowledge")

    async def ask(self, question: str) -> dict[str, Any]:
        url, headers = f"http://127.0.0.1:{self.port}/api/v1/query", {"authorization": f"Bearer {self.key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json={"query": question, "user_id": "ada"}, headers=headers) as reply,
        ):
            assert reply.status == 200, await reply.text()
            found: dict[str, Any] = await reply.json()
        return found


async def test_short_sections_in_one_file_answer_what_they_answer_in_files_of_their_own(
    tmp_path: Path, migrated_database_url: str, redis_url: str
) -> None:
    sections = [f"## {heading}\n\n{text}\n" for heading, text in SECTIONS.items()]
    layouts = (
        {f"{n}.md": section.removeprefix("#") for n, section in enumerate(sections)},
        {"faq.md": "# Tool library\n\n" + "\n".join(sections)},
    )
    outcomes = []
    with ExitStack() as stack:
        library = Library(stack, tmp_path, "en", migrated_database_url, redis_url)
        for n, files in enumerate(layouts):
            library.read(files)
            if n == 0:
                library.roles.serve("serve", port=library.port)
            answers = [await library.ask(heading) for heading in SECTIONS]
            outcomes.append([each["outcome"] for each in answers])
            for text, answer in zip(SECTIONS.values(), answers, strict=True):
                assert text.split(".")[0] in answer["response"]
    assert outcomes == [["answered"] * 5] * 2


async def test_an_agent_over_japanese_documents_greets_answers_and_hands_over_in_japanese(
    tmp_path: Path, migrated_database_url: str, redis_url: str
) -> None:
    replies = spoken_language("ja").replies
    with ExitStack() as stack:
        library = Library(stack, tmp_path, "ja", migrated_database_url, redis_url)
        library.read({"faq.md": "# 工具ライブラリ\n\n## 返却期限\n\n工具の返却期限は貸出日から二週間です。\n"})
        library.roles.serve("serve", port=library.port)
        greeting, person = await library.ask("こんにちは"), await library.ask("スタッフの人と話したいです")
        answer = await library.ask("工具の返却期限はいつですか")
    assert greeting["response"] == replies["greeting"]
    assert (person["response"], person["ticket_id"] is not None) == (replies["handed_off_customer_request"], True)
    assert (answer["outcome"], answer["language"]) == ("answered", "ja")
    assert "二週間" in answer["response"]
