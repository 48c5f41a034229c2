"""How lists merge: every list of the contract is a map by a key or a set, so server-side apply can merge it.

``MapBy("name")`` and ``AsSet()`` annotate tuple fields; both refuse duplicates in Python, as the API server does.
A set holds text only: the API server admits sets of objects, but cannot merge them (seen on 1.36).
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

DUPLICATE_ENTRY = "duplicate_entry"


@dataclass(frozen=True, slots=True, init=False)
class MapBy:
    """Entries are found by these fields (their YAML names), which no two may share."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        object.__setattr__(self, "keys", keys)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(entries: tuple[Any, ...]) -> tuple[Any, ...]:
            identities = (tuple(str(getattr(entry, key)) for key in self.keys) for entry in entries)
            _refuse_duplicates(map("/".join, identities), f"the same {' and '.join(self.keys)}")
            return entries

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(self.keys)}


@dataclass(frozen=True, slots=True)
class AsSet:
    """No entry may stand there twice."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(entries: tuple[Any, ...]) -> tuple[Any, ...]:
            _refuse_duplicates(entries, "the same value")
            return entries

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "set"}


def _refuse_duplicates(keys: Iterable[Hashable], what: str) -> None:
    first_at: dict[Hashable, int] = {}
    for index, key in enumerate(keys):
        if key in first_at:
            raise PydanticCustomError(
                DUPLICATE_ENTRY,
                "has {what} as entry [{first}]: {key}",
                {"index": index, "first": first_at[key], "key": str(key), "what": what},
            )
        first_at[key] = index
