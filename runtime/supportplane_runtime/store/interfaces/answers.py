"""Answers that are kept for equal questions: a cache, which may be lost at any time."""

from typing import Final, Protocol

MAX_BYTES: Final = 32 * 1024  # of a value; a guess: an answer with its sources has 3 to 10 KB
# Of an agent: a name has one place of these, and takes it from another name. So an agent keeps 64 MB at most, and with
# answers of 3 KB 6 MB; a guess at how many questions come again within a day.
PLACES: Final = 2048
TTL_S: Final = 24 * 3600  # a guess: what is asked again is asked again within a day


class KeptAnswers(Protocol):
    """name: 32 bytes that say which answer is meant, evenly spread, and nothing about the question to whoever reads."""

    async def find(self, tenant: str, agent: str, name: bytes) -> bytes | None:
        """Raises CacheUnavailable."""
        ...

    async def keep(self, tenant: str, agent: str, name: bytes, value: bytes) -> None:
        """For TTL_S at most. A value over MAX_BYTES is not kept. Raises CacheUnavailable."""
        ...

    async def end(self, tenant: str, agent: str, place: bytes) -> None:
        """Nothing that has this place is found any more. place: the first PLACE_BYTES of names. Raises
        CacheUnavailable.
        """
        ...


PLACE_BYTES: Final = 4


def place_of(name: bytes) -> int:
    return int.from_bytes(name[:PLACE_BYTES], "big") % PLACES
