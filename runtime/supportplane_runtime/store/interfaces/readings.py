"""How the readings of knowledge bases went."""

from collections.abc import Collection, Sequence
from typing import Protocol

from supportplane_runtime.domain.knowledge import LastReading

NAMED_FILES = 100  # of a reading's left-out files that are kept by name; a guess: more is a wrong pattern, not a list


class Readings(Protocol):
    """How the readings of a tenant's knowledge bases went; written by who reads, told by who serves."""

    async def save_begun(self, tenant: str, knowledge_base: str) -> None:
        """Documents may change from now on, until the reading is saved as completed or failed."""
        ...

    async def version(self, tenant: str, knowledge_bases: Collection[str]) -> str | None:
        """Another text after every reading of one of these. None while one is read, after a reading that was broken
        off, and before the first: then nobody knows which documents there are.
        """
        ...

    async def save_completed(
        self,
        tenant: str,
        knowledge_base: str,
        *,
        skipped: Sequence[tuple[str, str]],
        failure: str | None = None,
        embedding: str | None = None,
    ) -> None:
        """Documents were read into the index to the end. skipped: name and reason of each that was left out.

        failure: what of the knowledge base could not be read all the same, None when everything was.
        embedding: the model that embedded them, whose vectors answer from now on; None leaves that as it was.
        """
        ...

    async def save_failed(self, tenant: str, knowledge_base: str, failure: str) -> None:
        """Nothing was brought to the end; what was known of the last completed reading stays."""
        ...

    async def listing(self, tenant: str) -> list[LastReading]:
        """Of those that ended, by the names of the knowledge bases."""
        ...
