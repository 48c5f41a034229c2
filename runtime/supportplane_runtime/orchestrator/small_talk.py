"""Messages that are nothing but small talk, and the reply each gets. Pure, by the phrases of ``languages``."""

from supportplane_runtime.orchestrator.language import SpokenLanguage, spoken_languages

# Some phrases are made of others and fillers ("thank you very much"), so the pattern has several ways through each: on
# a long message it would try all of them together, which are 2 to the power of their number.
MAX_SMALL_TALK_WORDS = 16


def small_talk_kind(words: str, known: SpokenLanguage) -> tuple[str, str] | None:
    """(kind, language) of a message that is nothing but small talk, in the expected language first: `ok` is in all."""
    for candidate in (known, *(other for other in spoken_languages().values() if other is not known)):
        if is_small_talk(words, candidate):
            kinds = candidate.small_talk_kinds
            return next(kind for kind, pattern in kinds.items() if pattern.search(words)), candidate.code
    return None


def is_small_talk(words: str, known: SpokenLanguage) -> bool:
    return words.count(" ") < MAX_SMALL_TALK_WORDS and known.small_talk.fullmatch(words) is not None
