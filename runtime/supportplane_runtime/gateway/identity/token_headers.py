"""Whether a signed token (RFC 7515) begins as ours do, looked at before any library reads it.

A header is the caller's word, and its signature is checked after it was read. joserfc expects honest types in it (of
`crit`), so a token whose header is more than a few short texts is refused. Called by visitors.py and status/tokens.py.
"""

from base64 import urlsafe_b64decode

import orjson

NAMES = frozenset({"alg", "typ", "kid"})  # all that the gateway and the operator write
MAX_HEADER_LENGTH = 512  # theirs have less than 100 characters


def is_plain(token: str) -> bool:
    head = token.partition(".")[0]
    if len(head) > MAX_HEADER_LENGTH or not head.isascii():
        return False
    try:
        header = orjson.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:  # not base64, or not JSON
        return False
    return (
        isinstance(header, dict) and header.keys() <= NAMES and all(isinstance(text, str) for text in header.values())
    )
