import pytest

from supportplane_runtime.rag.verify import support

PASSAGE = (
    "To rotate a key, create a new one with `supportplane keys create` and revoke the old one. "
    "A revoked key stops working within 5 seconds. Widgets do not need a secret key. "
    "Sessions last 12 hours. The gateway on Linux replaces the proxy of Acme."
)


@pytest.mark.parametrize(
    ("claim", "proof"),
    [
        ("A revoked key stops working within 5 seconds.", "A revoked key stops working within 5 seconds."),
        ("A revoked  key\nstops working within 5 seconds.", "A revoked key stops working within 5 seconds."),
        ("Revoked keys stop working within 5 seconds.", "A revoked key stops working within 5 seconds."),
        ("Widgets don't need a secret key.", "Widgets do not need a secret key."),
        (
            "Create a new key with `supportplane keys create` and revoke the old one.",
            "To rotate a key, create a new one with `supportplane keys create` and revoke the old one.",
        ),
    ],
)
def test_what_the_passage_says_is_proven_by_its_words(claim: str, proof: str) -> None:
    assert support(claim, PASSAGE, "en") == proof
    assert proof in PASSAGE


@pytest.mark.parametrize(
    "claim",
    [
        "A revoked key stops working within 50 seconds.",  # another number
        "Widgets need a secret key.",  # a denial left out
        "A revoked key never stops working within 5 seconds.",  # a denial put in
        "Keys are rotated by the operator.",  # words of its own
        "The proxy of Acme replaces the gateway on Linux.",  # turned round
        "The gateway on Windows replaces the proxy of Acme.",  # another name
        "Revoke keys with `supportplane keys revoke`.",  # another command
        "Kubernetes sessions last 12 hours.",  # narrowed down
        "Sessions.txt last 12 hours forever and ever.",
        "",
        "   ",
        "essions last 12 hour",  # half words are no quotation
    ],
)
def test_what_the_passage_does_not_say_is_not_proven(claim: str) -> None:
    assert support(claim, PASSAGE, "en") is None


def test_a_claim_may_draw_on_two_neighbouring_sentences() -> None:
    passage = "The trial lasts fourteen days. Afterwards the workspace becomes read only."
    proof = support("The trial lasts fourteen days, afterwards the workspace becomes read only.", passage, "en")
    assert proof == passage


def test_denials_are_known_in_other_languages() -> None:
    passage = "Schlüssel werden ohne Passwort nicht angezeigt, Sitzungen dauern zwölf Stunden."
    assert support("Schlüssel werden ohne Passwort angezeigt, Sitzungen dauern zwölf Stunden", passage, "de") is None
