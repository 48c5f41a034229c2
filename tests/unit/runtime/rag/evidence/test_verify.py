import pytest

from supportplane_crds.text import _LANGUAGES
from supportplane_runtime.languages import codes, language
from supportplane_runtime.rag.evidence.verify import support

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
    assert support(claim, PASSAGE, language("en")) == proof
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
    assert support(claim, PASSAGE, language("en")) is None


def test_a_claim_may_draw_on_two_neighbouring_sentences() -> None:
    passage = "The trial lasts fourteen days. Afterwards the workspace becomes read only."
    proof = support(
        "The trial lasts fourteen days, afterwards the workspace becomes read only.", passage, language("en")
    )
    assert proof == passage


def test_denials_are_known_in_other_languages() -> None:
    passage = "Schlüssel werden ohne Passwort nicht angezeigt, Sitzungen dauern zwölf Stunden."
    assert (
        support("Schlüssel werden ohne Passwort angezeigt, Sitzungen dauern zwölf Stunden", passage, language("de"))
        is None
    )


# Every code that `language` of a KnowledgeBase may have.
LANGUAGES = _LANGUAGES.split("|")

# What a document says, and the opposite of that: of the files of languages whose denials are known ...
KNOWN = [(code, each.says, each.never) for code in codes() for each in language(code).opposites]
# ... and in languages whose denials are not.
UNKNOWN = [
    ("bg", "Ключовете не изтичат след 90 дни.", "Ключовете изтичат след 90 дни."),
    ("ca", "Les claus no caduquen després de 90 dies.", "Les claus caduquen després de 90 dies."),
    ("cs", "Staré klíče se po 90 dnech nikdy samy nesmažou.", "Staré klíče se po 90 dnech samy smažou."),
    ("da", "Nøgler udløber ikke efter 90 dage.", "Nøgler udløber efter 90 dage."),
    ("el", "Τα κλειδιά δεν λήγουν μετά από 90 ημέρες.", "Τα κλειδιά λήγουν μετά από 90 ημέρες."),
    ("et", "Vanad võtmed ei aegu 90 päeva pärast.", "Vanad võtmed aegu 90 päeva pärast."),
    ("fi", "Vanhat avaimet eivät vanhene 90 päivän jälkeen.", "Vanhat avaimet vanhenevat 90 päivän jälkeen."),
    ("hi", "पुरानी चाबियाँ 90 दिन बाद समाप्त नहीं होती हैं।", "पुरानी चाबियाँ 90 दिन बाद समाप्त होती हैं।"),
    ("hr", "Stari ključevi ne istječu nakon 90 dana.", "Stari ključevi istječu nakon 90 dana."),
    ("hu", "A régi kulcsok nem járnak le 90 nap után.", "A régi kulcsok járnak le 90 nap után."),
    ("id", "Kunci lama tidak kedaluwarsa setelah 90 hari.", "Kunci lama kedaluwarsa setelah 90 hari."),
    ("ja", "古い鍵は90日後に失効しません。", "古い鍵は90日後に失効します。"),
    ("ko", "오래된 키는 90일 후에 만료되지 않습니다.", "오래된 키는 90일 후에 만료됩니다."),
    ("nb", "Gamle nøkler utløper ikke etter 90 dager.", "Gamle nøkler utløper etter 90 dager."),
    ("nn", "Gamle nøklar går ikkje ut etter 90 dagar.", "Gamle nøklar går ut etter 90 dagar."),
    ("no", "Gamle nøkler utløper aldri etter 90 dager.", "Gamle nøkler utløper etter 90 dager."),
    ("pl", "Stare klucze nie wygasają po 90 dniach.", "Stare klucze wygasają po 90 dniach."),
    ("ro", "Cheile vechi nu expiră după 90 de zile.", "Cheile vechi expiră după 90 de zile."),
    ("ru", "Старые ключи не истекают через 90 дней.", "Старые ключи истекают через 90 дней."),
    ("sk", "Staré kľúče nikdy nevypršia po 90 dňoch.", "Staré kľúče vypršia po 90 dňoch."),
    ("sr", "Стари кључеви не истичу после 90 дана.", "Стари кључеви истичу после 90 дана."),
    ("sv", "Gamla nycklar upphör inte att gälla efter 90 dagar.", "Gamla nycklar upphör att gälla efter 90 dagar."),
    ("tr", "Eski anahtarların süresi 90 gün sonra asla dolmaz.", "Eski anahtarların süresi 90 gün sonra dolar."),
    ("uk", "Старі ключі не спливають через 90 днів.", "Старі ключі спливають через 90 днів."),
    ("vi", "Các khóa cũ không hết hạn sau 90 ngày.", "Các khóa cũ hết hạn sau 90 ngày."),
    ("zh", "旧密钥在90天后不会过期。", "旧密钥在90天后会过期。"),
]


@pytest.mark.parametrize(
    ("code", "said", "opposite"), [*KNOWN, *UNKNOWN]
)  # an unknown one that becomes known stays right
def test_a_denied_sentence_proves_itself_and_never_its_opposite(code: str, said: str, opposite: str) -> None:
    assert support(said, f"Intro. {said} {said}", language(code)) == said
    assert support(opposite, said, language(code)) is None
    assert support(said, opposite, language(code)) is None


@pytest.mark.parametrize("code", LANGUAGES)
def test_in_no_language_does_a_word_pass_that_may_deny(code: str) -> None:
    plain = "Velora timbu korela 90 sedani paluma vestiga norimba talesu."
    for denial in language(code).denials or {"okwe"}:
        for place in range(1, len(plain.split())):
            words = plain.split()
            denied = " ".join([*words[:place], denial, *words[place:]])
            assert support(plain, denied, language(code)) is None, denied
            assert support(denied, plain, language(code)) is None, denied


@pytest.mark.parametrize("code", LANGUAGES)
def test_in_every_language_a_quotation_is_proven(code: str) -> None:
    said = "Velora timbu okwe korela 90 sedani."
    assert support(said, f"Paluma vestiga. {said} Norimba talesu.", language(code)) == said
