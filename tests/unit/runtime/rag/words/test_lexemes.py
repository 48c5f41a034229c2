import unicodedata
from collections import Counter

import pytest

from supportplane_runtime.languages import language
from supportplane_runtime.rag.words.lexemes import covered, lexemes, rarity, searched, sequence, weight


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("How do I rotate the API keys?", "en", {"rotat": 1, "api": 1, "key": 1}),
        ("Key, keys; KEY", "en", {"key": 3}),
        ("spec.template.model", "en", {"spec": 1, "templat": 1, "model": 1}),
        ("snake_case and v1alpha1", "en", {"snake": 1, "case": 1, "v1alpha1": 1}),
        ("a SupportAgent", "en", {"supportag": 1, "support": 1, "agent": 1}),
        ("APIs, GPUs", "en", {"api": 1, "gpus": 1}),
        (
            "Wie kann ich die Schlüssel wechseln?",
            "de",
            {"schlussel": 1, "schlu": 1, "ussel": 1, "wechsel": 1, "wechs": 1, "chsel": 1},
        ),
        ("l'argent de la famille", "fr", {"argent": 1, "famill": 1}),
        ("chaves e senhas", "pt-BR", {"chav": 1, "senh": 1}),
        ("東京タワー", "ja", {"東": 1, "京": 1, "東京": 1, "タワ": 1, "ワー": 1}),
        ("\ufb01le \uff26ull", "en", {"file": 1, "full": 1}),
        ("naranja the", "xx", {"naranja": 1, "the": 1}),
        ("A" * 65, "en", {}),
        ("... !?", "en", {}),
    ],
)
def test_words_are_folded_stemmed_and_counted(text: str, code: str, expected: dict[str, int]) -> None:
    assert lexemes(text, language(code)) == Counter(expected)


def test_a_rarer_lexeme_weighs_more_and_none_weighs_less_than_nothing() -> None:
    assert rarity(100, 1) > rarity(100, 50) > rarity(100, 100) > 0


def test_repetition_adds_less_each_time_and_longer_chunks_count_less() -> None:
    once, twice, thrice = (weight(n, 50, 50.0) for n in (1, 2, 3))
    assert twice - once > thrice - twice > 0
    assert weight(1, 100, 50.0) < once


def test_the_covered_share_is_by_rarity() -> None:
    assert covered({"key"}, {"key": 1.0, "rotat": 3.0}) == 0.25
    assert covered({"key"}, {}) == 0.0


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("bn", "আমার অর্ডার কোথায়?", ["আমার", "অর্ডার", "কোথায়"]),
        ("he", "שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
        ("en", "n\u0303 key 1\ufe0f\u20e3", ["ñ", "key", "1"]),
    ],
)
def test_vowel_signs_and_accents_are_part_of_a_word(code: str, text: str, words: list[str]) -> None:
    assert sequence(text, language(code)) == [unicodedata.normalize("NFKC", word) for word in words]


@pytest.mark.parametrize(
    ("code", "text", "words"),
    [
        ("ja", "鍵を取り消しできません", ["鍵", "取", "消"]),
        ("ja", "人々のAPIキー", ["人", "々", "人々", "api", "キー"]),
        ("zh", "退款规则", ["退", "款", "规", "则", "退款", "款规", "规则"]),
        ("th", "ลืมรหัส", ["ลืม", "มร", "รหั", "หัส"]),
        ("ko", "비밀번호를 SupportAgent에", ["비밀", "밀번", "번호", "호를", "supportagent", "support", "agent", "에"]),
    ],
)
def test_search_looks_at_runs_of_one_script(code: str, text: str, words: list[str]) -> None:
    assert searched(text, language(code)) == words


def test_a_proof_sees_what_search_leaves_out() -> None:
    japanese = language("ja")
    assert searched("期限が切れます", japanese) == searched("期限が切れません", japanese)
    assert sequence("期限が切れます", japanese) != sequence("期限が切れません", japanese)


def test_a_compound_begins_and_ends_as_its_parts() -> None:
    german = language("de")
    parts = lexemes("Frist für die Kündigung", german)
    assert lexemes("Kündigungsfrist", german).keys() & parts.keys() == {"kundi", "frist"}
    assert searched("Kündigungsfrist", german) == ["kundigungsfrist"]
    assert "termi" not in lexemes("termination", language("en"))
