"""What a key may be called, and when a key has taken the place of another one."""

import re

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.store.interfaces.keys import ApiKey

# A key's name is one line that people read in lists: no control character, no line end, nothing that turns the order of
# the text around, no half of a surrogate pair. Letters, joiners and marks of every script are welcome.
_UNNAMEABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def ensure_key_name(name: str) -> str:
    """The name. Raises InvalidRequest that names the first character that no name may hold, and where that stands."""
    found = _UNNAMEABLE.search(name)
    if found is None:
        return name
    raise InvalidRequest(
        f"The name of a key may not hold control characters: character {found.start() + 1} is U+{ord(found[0]):04X}."
    )


def replaces(newer: ApiKey, older: ApiKey) -> bool:
    """Whether a key took an older one's place: made later under the same name, by the same kind of maker."""
    same = (newer.tenant, newer.name, newer.kind, newer.agent) == (older.tenant, older.name, older.kind, older.agent)
    return same and newer.created_at > older.created_at
