"""Whether a message is in another language than the documents. Pure, called by nodes/understand.py.

Retrieval compares a question with the documents, so what it says of a question in another language is little: such a
question is never declined as out of scope (nodes/decide.py).
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache, lru_cache

from supportplane_runtime.languages import language
from supportplane_runtime.orchestrator.phrases import plain

# In so many words of a language one of its function words is as good as certain. Of 15,843 English questions of four
# words and more 0.1 % hold none.
TELLING_WORDS = 4
# Enough to tell a script by; a whole letter costs a millisecond.
TELLING_CHARACTERS = 400
# Japanese is written in all of them.
_ONE_SCRIPT = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}


def is_foreign(message: str, spoken: str, of_documents: Collection[str]) -> bool:
    """spoken: the language told, which is the expected one where nothing else is clear."""
    codes = {language(code).code for code in of_documents}
    if language(spoken).code not in codes:
        return True
    if not all(_words(code) for code in codes):
        return False  # of one of the languages no words are known, so nothing can be told
    if _script(message[:TELLING_CHARACTERS]) not in {None, *map(_script_of, codes)}:
        return True
    said = plain(message).split()
    return len(said) >= TELLING_WORDS and not any(word in _words(code) for code in codes for word in said)


@cache
def _words(code: str) -> frozenset[str]:
    known = language(code)
    speech = known.speech
    words = known.function_words | (speech.markers | speech.vague if speech is not None else frozenset())
    return frozenset(map(plain, words))


@cache
def _script_of(code: str) -> str | None:
    return _script(" ".join(_words(code)))


def _script(text: str) -> str | None:
    """Of most letters, as Unicode names it (LATIN, CYRILLIC, CJK); None without letters."""
    found = Counter(_scripts(text))
    return max(found, key=lambda each: found[each]) if found else None


def _scripts(text: str) -> Iterable[str]:
    return (_script_of_letter(letter) for letter in text if letter.isalpha())


@lru_cache(maxsize=4096)
def _script_of_letter(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    return _ONE_SCRIPT.get(name, name)
