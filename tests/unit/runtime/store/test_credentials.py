import string

import pytest

from supportplane_runtime.store import credentials
from supportplane_runtime.store.interfaces.keys import KeyKind


@pytest.mark.parametrize(("kind", "prefix"), [(KeyKind.SECRET, "sk_"), (KeyKind.PUBLISHABLE, "pk_")])
def test_a_minted_key_parses_and_tells_its_kind_by_its_prefix(kind: KeyKind, prefix: str) -> None:
    plain = credentials.mint_key(kind)

    presented = credentials.parse_key(plain)

    assert plain.startswith(prefix)
    assert presented is not None
    assert presented.key_id == credentials.key_id_of(plain)
    assert presented.digest == credentials.digest(plain)


def test_no_two_keys_or_tokens_are_alike() -> None:
    keys = {credentials.mint_key(KeyKind.SECRET) for _ in range(200)}
    tokens = {credentials.mint_token() for _ in range(200)}

    assert len(keys) == len(tokens) == 200
    assert len({credentials.key_id_of(key) for key in keys}) == 200


def test_one_wrong_letter_anywhere_is_noticed_by_the_checksum() -> None:
    plain = credentials.mint_key(KeyKind.SECRET)

    for position in range(len(plain)):
        letter = next(other for other in string.ascii_letters if other != plain[position])
        mistyped = plain[:position] + letter + plain[position + 1 :]
        assert credentials.parse_key(mistyped) is None, position


@pytest.mark.parametrize(
    "text",
    ["", "sk", "sk_", "sk__", "sk_a_b", "Bearer x", "sk_" + "é" * 64, "\ud800", "a" * 100_000, "sk_" + "_" * 70],
    ids=range(10),
)
def test_what_is_no_key_is_refused_without_an_error(text: str) -> None:
    assert credentials.parse_key(text) is None


def test_the_stored_digest_is_that_of_the_whole_key_and_not_the_key() -> None:
    plain = credentials.mint_key(KeyKind.SECRET)

    stored = credentials.digest(plain)

    assert len(stored) == 32
    assert plain.encode() not in stored
    assert credentials.same_digest(stored, credentials.digest(plain))
    assert not credentials.same_digest(stored, credentials.digest(plain[:-1]))
