"""Turns text into the lexemes full-text search counts, and holds the BM25 formula, the same for every index.

Called by memory.py, pgvector.py and weaviate.py for chunks and questions alike, so all three rank alike, and by
rag/evidence, whose proofs compare every letter (sequence, ADR 0040). Words are case-folded and stemmed (Snowball) and
function words dropped, by the knowledge base's language; where a language has no stemmer, words stay as they are. Not
PostgreSQL's to_tsvector: its parser keeps `spec.template.model` and `agent.yaml/docs` as one token each. Measured on
whole documents: mtrag_un hit@1 0.70 here against 0.70 there (0.76 against 0.74 with the last user turn), mongodb_faq
0.73 against 0.73; without dropping function words 0.68 and 0.64.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import snowballstemmer

from supportplane_runtime.languages import Language

# Robertson's usual constants; the recipe of ADR 0004 was measured with them.
TERM_SATURATION = 1.2
LENGTH_WEIGHT = 0.75
# Longer runs of letters are keys, hashes and base64: no question holds them, and they fill the index.
MAX_LEXEME_CHARACTERS = 64

# Vowel signs and accents that stand as characters of their own are part of a word: Hindi, Bengali and Thai words are
# made of them. None of those that follow belongs to a script; the marks of emoji are among them.
_LAST_MARK = 0x1DFF
_MARKS = "".join(chr(code) for code in range(_LAST_MARK) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*")
_CAMEL_CASE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PLAIN = re.compile(r"[^\W\d]?[^\WA-Z]+|[A-Z\d]+s?")  # api, Api, API, APIs, v1alpha1: nothing to take apart
# Scripts written without spaces: Thai, Lao, Khmer, kana, Han with its iteration marks.
_UNSPACED_LETTERS = "\u0e00-\u0eff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED = re.compile(f"[{_UNSPACED_LETTERS}]+")
_JOINED = re.compile(f"[{_UNSPACED_LETTERS}\uac00-\ud7a3]")
# The scripts that search takes apart, a run of one script at a time. Korean has spaces, but its words carry endings.
_HAN = re.compile(r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_HIRAGANA = re.compile(r"[\u3040-\u309f]+")
_IN_PAIRS = re.compile(r"[\u30a0-\u30ff]+|[\uac00-\ud7a3]+|[\u0e00-\u0eff]+|[\u1780-\u17ff]+")
_RUN = re.compile(
    rf"{_HAN.pattern}|{_HIRAGANA.pattern}|{_IN_PAIRS.pattern}|(?:(?![\uac00-\ud7a3])[^{_UNSPACED_LETTERS}])+"
)
_LETTER = re.compile(rf"[^{_MARKS}][{_MARKS}]*|[{_MARKS}]+")
# Of a word of a language with compounds, what its first and its last letters are counted as. Of 4 to 6 letters 5 found
# most German compounds without answering a question about something else: ADR 0040.
EDGE_CHARACTERS = 5


def lexemes(text: str, language: Language) -> Counter[str]:
    """How often each lexeme stands in the text, as search counts them: those of ``searched`` and the edges of words."""
    found = searched(text, language)
    return Counter([*found, *_edges(found)] if language.compounds else found)


# The same passages are quoted again and again; 20 KB each, 3 ms to take apart.
@lru_cache(maxsize=8192)
def distinct_lexemes(text: str, language: Language) -> frozenset[str]:
    """Those of ``lexemes``, each once."""
    return frozenset(lexemes(text, language))


def searched(text: str, language: Language) -> list[str]:
    """The lexemes in the order they stand in the text, function words left out, those of unspaced scripts in runs."""
    return _lexemes(text, language, _runs)


def sequence(text: str, language: Language) -> list[str]:
    """The same with every letter of unspaced scripts, for proofs: `did` and `did not` may differ in hiragana alone."""
    return _lexemes(text, language, _pairs)


def _lexemes(text: str, language: Language, taken_apart: Callable[[str], Iterator[str]]) -> list[str]:
    found: list[str] = []
    for word in _words(unicodedata.normalize("NFKC", text), taken_apart):
        found += _of_word(word, language) if len(word) <= MAX_LEXEME_CHARACTERS else _parts(word, language)
    return found


# A knowledge base repeats its words, so the cache answers most: 1 us a word instead of 4.
@lru_cache(maxsize=65_536)
def _of_word(word: str, language: Language) -> tuple[str, ...]:
    return tuple(_parts(word, language))


def _parts(word: str, language: Language) -> Iterator[str]:
    """The lexemes of a word as written; `SupportAgent` also as `Support` and `Agent`. None of a function word."""
    written = [word]
    if not _PLAIN.fullmatch(word):
        parts = _CAMEL_CASE.findall(word)
        written += [part for part in parts if len(part) > 1] if len(parts) > 1 else []
    for folded in (part.casefold() for part in written):
        if folded not in language.function_words and len(folded) <= MAX_LEXEME_CHARACTERS:
            yield _stem(folded, language.stemmer) if language.stemmer else folded


def _edges(words: Iterable[str]) -> Iterator[str]:
    """Begin and end of longer words: `Kündigungsfrist` begins as `Kündigung` does and ends as `Frist`."""
    for word in words:
        if len(word) > EDGE_CHARACTERS:
            yield word[:EDGE_CHARACTERS]
            yield word[-EDGE_CHARACTERS:]


def _words(text: str, taken_apart: Callable[[str], Iterator[str]]) -> Iterable[str]:
    """Words as written. taken_apart: makes words of unspaced scripts."""
    words = _WORD.findall(text)
    if _JOINED.search(text) is None:
        return words
    return (part for word in words for part in (taken_apart(word) if _JOINED.search(word) else (word,)))


def _pairs(word: str) -> Iterator[str]:
    position = 0
    for run in _UNSPACED.finditer(word):
        if word[position : run.start()]:
            yield word[position : run.start()]
        yield from _neighbours(run[0])
        position = run.end()
    if word[position:]:
        yield word[position:]


def _runs(word: str) -> Iterator[str]:
    """Of each run of one script the pairs of neighbours; of Han, whose signs are words, also each sign.

    Hiragana is left out: it writes endings and particles, the function words of Japanese. Vowel signs stay with their
    letter.
    """
    for run in _RUN.findall(word):
        if _HAN.match(run):
            yield from run
            yield from _neighbours(run) if len(run) > 1 else ()
        elif _IN_PAIRS.match(run):
            yield from _neighbours(_LETTER.findall(run))
        elif not _HIRAGANA.match(run):
            yield run


def _neighbours(letters: Sequence[str]) -> Iterator[str]:
    """Pairs; the letter itself when it is alone."""
    return ("".join(letters[i : i + 2]) for i in range(max(1, len(letters) - 1)))


# The stemmer is pure Python, 68 us for a word; a knowledge base repeats its words, so the cache answers most. A new
# stemmer each time, because it keeps the word in itself and threads share this function.
@lru_cache(maxsize=65_536)
def _stem(word: str, stemmer: str) -> str:
    return str(snowballstemmer.stemmer(stemmer).stemWord(word))


def rarity(chunks: int, containing: int) -> float:
    """Inverse document frequency of a lexeme, never negative."""
    return math.log1p((chunks - containing + 0.5) / (containing + 0.5))


def weight(occurrences: int, length: int, average_length: float) -> float:
    """What a lexeme's occurrences in a chunk of so many lexemes add to its BM25, before its rarity."""
    norm = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / average_length
    return occurrences * (TERM_SATURATION + 1) / (occurrences + TERM_SATURATION * norm)


def covered(held: Container[str], wanted: Mapping[str, float]) -> float:
    """0..1: the share of the wanted lexemes, by rarity, that are there."""
    total = sum(wanted.values())
    return sum(rare for word, rare in wanted.items() if word in held) / total if total else 0.0
