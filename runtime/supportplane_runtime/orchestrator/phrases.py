"""Texts and phrases in one spelling, and phrases made into patterns, for scripts with and without blanks between words.

Called by language.py and wishes.py. One spelling: customers write `nao`, `moechte` and `موظفة` in several ways, and a
phrase of ``languages`` stands for all of them.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

# Thai, Hangul, kana, Han: words stand without blanks, or with endings written to them, so a phrase may stand inside.
OPEN_SCRIPTS: Final = r"\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
_OPEN: Final = re.compile(f"[{OPEN_SCRIPTS}]")
# Above Latin, Greek and Cyrillic letters, the vowels and hamzas around Arabic ones, and the long vowel of kana:
# often not written.
_LEFT_OUT: Final = re.compile(r"[\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u30fc]")
_NOT_TEXT: Final = re.compile(r"[^\w\s]|_")
# Letters that keyboards or ears exchange: dotless i, l with stroke, d with stroke; Arabic yeh, kaf, heh in Persian and
# Urdu, the two letters that sound like an emphatic d.
_SAME: Final = str.maketrans("ıłđيىكةہھۃۀظ", "ildییکهههههض")  # noqa: RUF001 - they look alike


def plain(text: str) -> str:
    """Lower case words with single blanks, without accents; phrases are compared with it. ``What's``: ``what s``."""
    bare = _LEFT_OUT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    whole = unicodedata.normalize("NFC", bare).translate(_SAME)
    return " ".join(_NOT_TEXT.sub(_mark_or_blank, whole).split())


def _mark_or_blank(found: re.Match[str]) -> str:
    """Vowel signs of Hindi, Bengali and Thai are parts of words, though no letters."""
    return found[0] if unicodedata.category(found[0])[0] == "M" else " "


def is_open(text: str) -> bool:
    """Whether it holds letters of a script in which a phrase may stand inside of a word."""
    return _OPEN.search(text) is not None


def any_of(phrases: Iterable[str]) -> str:
    """A pattern for each of the phrases as whole words of ``plain`` text, the longest first.

    A star stands for any letters of a word, a dollar sign at the end for the end of the text.
    """
    ordered = sorted(phrases, key=len, reverse=True)
    inside = [_pattern(phrase) for phrase in ordered if is_open(phrase)]
    words = [_pattern(phrase) for phrase in ordered if not is_open(phrase)]
    # One look behind and ahead for all of them: several times faster than one for each.
    bounded = [rf"(?<![^ ])(?:{'|'.join(words)})(?![^ ])"] if words else []
    return "|".join([*inside, *bounded])


def bare_any_of(phrases: Iterable[str]) -> str:
    """A pattern for each of the phrases, wherever they stand."""
    return "|".join(re.escape(plain(phrase)) for phrase in sorted(phrases, key=len, reverse=True))


_AFTER_A_LETTER: Final = re.compile(r"^([a-z]) (?=[a-z]{3})")


def _pattern(phrase: str) -> str:
    """What an apostrophe parts is often written as one word: `id like`, `jaimerais`."""
    words = _AFTER_A_LETTER.sub(r"\1 ?", " ".join(_word_pattern(word) for word in phrase.rstrip("$").split()))
    return words + r"\Z" if phrase.endswith("$") else words


def _word_pattern(word: str) -> str:
    return r"[^ ]*".join(re.escape(plain(part)) for part in word.split("*"))
