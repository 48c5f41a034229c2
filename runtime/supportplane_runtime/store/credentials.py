"""Makes and checks the secrets the store hands out: API keys, one-time links, sessions. Pure; nothing is stored here.

A key reads ``sk_<id>_<secret><checksum>``. The id finds the row and may be logged; the secret never leaves the caller.
"""

import hashlib
import hmac
import secrets
import zlib
from dataclasses import dataclass

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.store.interfaces.keys import KeyKind

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 14  # 83 bits: unique without asking the database
SECRET_LENGTH = 43  # 256 bits
CHECKSUM_LENGTH = 6  # a CRC-32 in base 62, as GitHub's tokens carry it
PREFIXES = {KeyKind.SECRET: "sk", KeyKind.PUBLISHABLE: "pk"}


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A well-formed key as a caller presents it. Whether it is known is the store's question."""

    key_id: str
    digest: bytes


def mint_key(kind: KeyKind) -> str:
    head = f"{PREFIXES[kind]}_{_random_text(ID_LENGTH)}_{_random_text(SECRET_LENGTH)}"
    return head + _checksum(head)


def key_id_of(plain: str) -> str:
    """The public part of a key that ``mint_key`` made."""
    return plain.split("_")[1]


def parse_key(plain: str) -> PresentedKey | None:
    """None for text that cannot be a key: a typing error is refused without asking the database."""
    prefix, _, rest = plain.partition("_")
    key_id, _, secret = rest.partition("_")
    well_formed = (
        prefix in PREFIXES.values()
        and len(key_id) == ID_LENGTH
        and len(secret) == SECRET_LENGTH + CHECKSUM_LENGTH
        and plain.isascii()
        and hmac.compare_digest(_checksum(plain[:-CHECKSUM_LENGTH]), plain[-CHECKSUM_LENGTH:])
    )
    return PresentedKey(key_id=key_id, digest=digest(plain)) if well_formed else None


def secret_key(plain: str) -> PresentedKey:
    """Raises InvalidRequest for text that is no secret key; says nothing of the text."""
    presented = parse_key(plain)
    if presented is None or not plain.startswith(f"{PREFIXES[KeyKind.SECRET]}_"):
        raise InvalidRequest("This is not a secret key (sk_...) as Supportplane makes them.")
    return presented


def mint_token() -> str:
    """A one-time token or a session secret: 256 random bits, safe in a URL fragment and in a cookie."""
    return secrets.token_urlsafe(32)


def digest(plain: str) -> bytes:
    """What is stored in place of a secret.

    Plain SHA-256, no salt and no slow hash: those defend guessable passwords. These secrets are 256 random bits, so
    there is nothing to guess and no table to precompute, and a slow hash would cost its time on every request.
    """
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


def session_id_of(digest: bytes) -> str:
    """Names a session in lists: 64 bits of its hash, from which the secret does not follow."""
    return digest[:8].hex()


def same_digest(left: bytes, right: bytes) -> bool:
    """Compares in time that does not depend on where the two differ."""
    return hmac.compare_digest(left, right)


def _random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, remainder = divmod(value, len(ALPHABET))
        digits = ALPHABET[remainder] + digits
    return digits
