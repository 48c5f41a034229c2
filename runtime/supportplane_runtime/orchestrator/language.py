"""The languages that an agent speaks: what the files of ``languages`` say of them, made into patterns.

Used by the understand node (recognition) and the decide node (replies). A language is told by the script that most of a
message is written in, and among the languages of that script by function words, the same lists that search leaves out,
and by letters. py3langid takes 1.8 s to load and 75 MB and is wrong more often (ADR 0011), so it is not used.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from supportplane_runtime.languages import ENGLISH, SMALL_TALK, Language, Script, Speech, codes, language
from supportplane_runtime.orchestrator.phrases import any_of, bare_any_of, is_open, plain
from supportplane_runtime.orchestrator.wishes import Wishes, wishes, wishes_for_a_person, wishing_words
from supportplane_runtime.rag.words.lexemes import sequence

# A language other than the expected one must win clearly: one function word of its own, half a word ahead.
LEAST_SCORE: Final = 1.0
LEAST_LEAD: Final = 0.5
# Of a word with a letter that only one language has. Less than a word: names travel.
LETTER_SCORE: Final = 0.6
# How many letters a word has, so that scripts are compared by what they say. Round figures of ordinary prose.
LETTERS_OF_A_WORD: Final[Mapping[Script, float]] = {"Han": 1.7, "Kana": 2.5, "Hangul": 2.5}
LETTERS_OF_OTHER_WORDS: Final = 5.0
# What is quoted from a program or a product is Latin in every language, so Latin letters count half.
LATIN_SHARE: Final = 0.5
# A longer message has words by which its language is told.
MOST_WORDS_OF_ANY_LANGUAGE: Final = 5

_SCRIPTS: Final[Mapping[Script, re.Pattern[str]]] = {
    "Latin": re.compile(r"[a-z\u00df-\u024f\u1e00-\u1eff]"),
    "Cyrillic": re.compile(r"[\u0400-\u052f]"),
    "Arabic": re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff]"),
    "Devanagari": re.compile(r"[\u0904-\u0939\u0958-\u0961]"),
    "Bengali": re.compile(r"[\u0985-\u09b9\u09dc-\u09e1]"),
    "Thai": re.compile(r"[\u0e01-\u0e2e]"),
    "Hangul": re.compile(r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]"),
    "Kana": re.compile(r"[\u3041-\u309f\u30a1-\u30ff\uff66-\uff9f]"),
    "Han": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
}
# Not what stands in options, paths and addresses: `--data-dir` is no German.
_WORD = re.compile(r"(?<![-/.@=\w])(?:[^\W\d_]{2,}|y|à)(?![-/@=\w])")


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    """A language that an agent speaks. code: two letters. Patterns expect ``plain`` text."""

    code: str
    name: str  # in the language itself
    scripts: tuple[Script, ...]
    words: frozenset[str]  # by which it is told
    letters: frozenset[str]  # by which it is told from others of its script
    small_talk: re.Pattern[str]  # fits a message that is nothing else
    small_talk_kinds: Mapping[str, re.Pattern[str]]  # the first that is found in it says which reply it gets
    wishes: Wishes  # for a person
    vague: frozenset[str]  # lexemes
    vague_inside: re.Pattern[str] | None  # the same in ``plain`` text, where words stand without blanks
    leaning: re.Pattern[str]  # found in a message that may lean on what was said before
    progress: Mapping[str, str]
    replies: Mapping[str, str]


@cache
def spoken_languages() -> Mapping[str, SpokenLanguage]:
    """By code. Raises BrokenLanguage."""
    known = [language(code) for code in codes()]
    return {each.code: _spoken(each, each.speech) for each in known if each.speech is not None}


def spoken_language(code: str) -> SpokenLanguage:
    """The language by its code (`de-AT` is `de`), English where the agent does not speak it."""
    return spoken_languages().get(language(code).code, spoken_languages()[ENGLISH])


def content(text: str, known: SpokenLanguage) -> frozenset[str]:
    """The lexemes of a text that say what it is about."""
    rest = text if known.vague_inside is None else known.vague_inside.sub(" ", plain(text))
    return frozenset(sequence(rest, language(known.code))) - known.vague


def detect(text: str, *, expected: str) -> str:
    """The language a text is written in, or ``expected`` when nothing clearly says another one."""
    folded = unicodedata.normalize("NFC", text).casefold()
    found = Counter(_WORD.findall(folded))
    for script in _scripts_of(folded):
        candidates = [known for known in spoken_languages().values() if script in known.scripts]
        scores = _scores(found, candidates)
        if script != "Latin" and candidates:
            return _of_script(script, candidates, scores, expected)
        # Latin letters without a word that tells their language are names, and the rest of the text decides.
        if max(scores.values(), default=0.0) >= LEAST_SCORE:
            best = max(scores, key=lambda code: scores[code])
            return best if scores[best] - scores.get(expected, 0.0) >= LEAST_LEAD else expected
    return expected


def _of_script(script: Script, candidates: Sequence[SpokenLanguage], scores: Mapping[str, float], expected: str) -> str:
    """The language by words and letters; where those say nothing the expected one, then that whose own script it is."""

    def likely(known: SpokenLanguage) -> float:
        return scores[known.code] + (known.scripts[0] == script) / 4 + (known.code == expected) * LEAST_LEAD

    return max(candidates, key=likely).code


def _scripts_of(folded: str) -> Sequence[Script]:
    """The scripts that it holds letters of, that of the largest part first. Han beside kana is Japanese."""
    letters: dict[Script, float] = {script: len(pattern.findall(folded)) for script, pattern in _SCRIPTS.items()}
    if letters["Kana"] * 10 > letters["Han"]:
        letters["Kana"] += letters.pop("Han")
    words = {script: n / LETTERS_OF_A_WORD.get(script, LETTERS_OF_OTHER_WORDS) for script, n in letters.items() if n}
    if "Latin" in words:
        words["Latin"] *= LATIN_SHARE
    return sorted(words, key=lambda script: words[script], reverse=True)


def _scores(found: Mapping[str, int], candidates: Sequence[SpokenLanguage]) -> Mapping[str, float]:
    scores = dict.fromkeys((known.code for known in candidates), 0.0)
    for word, n in found.items():
        # What languages share tells less; a whole share less each would leave too little of what two neighbours share.
        languages = _languages_of().get(word, frozenset()) & scores.keys()
        for code in languages:
            scores[code] += n / len(languages) ** 0.5
        for known in candidates:
            if known.letters and not known.letters.isdisjoint(word):
                scores[known.code] += LETTER_SCORE * n
    return scores


@cache
def _languages_of() -> Mapping[str, frozenset[str]]:
    """The languages in which a word is one of those that tell it."""
    found: dict[str, set[str]] = defaultdict(set)
    for known in spoken_languages().values():
        for word in known.words:
            found[word].add(known.code)
    return {word: frozenset(each) for word, each in found.items()}


def _spoken(known: Language, speech: Speech) -> SpokenLanguage:
    kinds = speech.small_talk
    words = known.function_words | speech.markers | speech.vague | wishing_words(speech)
    return SpokenLanguage(
        code=known.code,
        name=speech.name,
        scripts=speech.scripts,
        words=words,
        letters=frozenset(speech.letters),
        small_talk=_nothing_but([phrase for kind in SMALL_TALK for phrase in kinds[kind]], speech.fillers),
        small_talk_kinds={kind: _kind(kinds[kind]) for kind in SMALL_TALK},
        wishes=wishes(speech, words),
        vague=frozenset(sequence(" ".join(speech.vague), known)),
        vague_inside=re.compile(any_of(speech.vague)) if is_open(speech.name) else None,
        leaning=re.compile(rf"^(?:{any_of(speech.leaning.first)})|{any_of(speech.leaning.anywhere)}"),
        progress=speech.progress,
        replies=speech.replies,
    )


def _kind(phrases: Sequence[str]) -> re.Pattern[str]:
    """Finds such a phrase. One of a single letter must stand alone: 你好 is no 好."""
    found = any_of(phrase for phrase in phrases if len(phrase) > 1)
    letters = bare_any_of(phrase for phrase in phrases if len(phrase) == 1)
    return re.compile(rf"{found}|(?<![^ ])(?:{letters})(?![^ ])" if letters else found)


def _nothing_but(phrases: Sequence[str], fillers: Sequence[str]) -> re.Pattern[str]:
    """Fits a message made of such phrases and fillers only: `hi, how do I ...` is a question."""
    if any(map(is_open, phrases)):
        filler, phrase, either = (bare_any_of(each) for each in (fillers, phrases, [*phrases, *fillers]))
        return re.compile(rf"(?:(?>{filler}) ?)*+(?>{phrase})(?: ?(?>{either}))*+")
    filler, phrase, either = (any_of(each) for each in (fillers, phrases, [*phrases, *fillers]))
    return re.compile(rf"(?:(?:{filler}) )*(?:{phrase})(?: (?:{either}))*")


def wishes_in(message: str, known: SpokenLanguage) -> str | None:
    """The language in which a message wishes for a person.

    A few Latin words may not tell their language, `operator`, nor may more in scripts that few languages share.
    """
    if wishes_for_a_person(message, known.wishes):
        return known.code
    written = message.casefold().split()
    told = len(written) > MOST_WORDS_OF_ANY_LANGUAGE or not known.words.isdisjoint(written)
    if told and "Latin" in known.scripts:
        return None
    others = (other for other in spoken_languages().values() if other is not known and other.scripts == known.scripts)
    return next((other.code for other in others if wishes_for_a_person(message, other.wishes)), None)
