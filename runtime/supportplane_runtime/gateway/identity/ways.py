"""What a way to identify a caller is: it finds credentials of its kind in a request, and says how they are sent.

A new way is a class in a file of its own and one place in the tuple that state.py builds; a variable that it needs is
one of settings.py. Its documentation in the OpenAPI document, its part of the sentence of a 401 and its label values of
the metric follow from what it declares.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from fastapi.requests import HTTPConnection

from supportplane_runtime.domain.identity import Caller

# Security schemes of OpenAPI by their names. A caller sends credentials of all of them together.
Alternative = Mapping[str, Mapping[str, str]]


class Way(Protocol):
    """One way to identify a caller.

    alternatives: how the OpenAPI document describes the credentials; one of the alternatives is enough. how: a sentence
    for a person whose request names no credentials, or nothing where no person sends them by hand. reasons: the values
    of the label ``reason`` by which this way counts its refusals; all of them are there from the start.
    """

    alternatives: ClassVar[tuple[Alternative, ...]]
    how: ClassVar[str]
    reasons: ClassVar[tuple[str, ...]]

    async def caller(self, connection: HTTPConnection) -> Caller | None:
        """The caller, or None when the request has no credentials of this kind and the next way is asked.

        Raises Unauthenticated, OriginNotAllowed or StoreUnavailable for credentials of this kind that let nobody in.
        """
        ...


def alternatives_of(ways: Iterable[Way]) -> list[Alternative]:
    """All alternatives, those that need fewer credentials first."""
    return sorted((each for way in ways for each in way.alternatives), key=len)
