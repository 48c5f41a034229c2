"""Which of several entries of the same kind a question asks about: rows of a table, items of a list, like sentences.

A price list answers a question about one thing with that thing's row, and not with its neighbours'. Pure, called by
page_reader.py and runs.py.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

# Of the best entry's weight. Two things asked about at once have a row each, which hold half of the words.
AS_MUCH_AS: Final = 0.5
# Of the words of both sentences, numbers apart: what says the same of something else.
ALIKE: Final = 0.5


def named(entries: Sequence[Collection[str]], asked: Mapping[str, float]) -> list[int]:
    """Indexes of the entries that the question names, all when it names none. entries: lexemes of each.

    asked: lexemes of the question with their weights, without those of the headings above the entries.
    """
    naming = {
        word: weight for word, weight in asked.items() if 0 < sum(word in entry for entry in entries) < len(entries)
    }
    weights = [sum(weight for word, weight in naming.items() if word in entry) for entry in entries]
    best = max(weights, default=0.0)
    if best <= 0:
        return list(range(len(entries)))
    return [n for n, weight in enumerate(weights) if weight >= AS_MUCH_AS * best]


def unlike(entries: Sequence[Collection[str]], asked: Mapping[str, float]) -> list[int]:
    """Indexes of the entries without those that say of something else what another entry says of what is asked."""
    held = [{word for word in asked if word in entry} for entry in entries]
    return [
        n
        for n, entry in enumerate(entries)
        if not any(
            held[n] < held[other] and are_alike(entry, entries[other]) for other in range(len(entries)) if other != n
        )
    ]


def are_alike(one: Collection[str], other: Collection[str]) -> bool:
    first, second = ({word for word in words if not word.isdigit()} for words in (one, other))
    return bool(first and second) and len(first & second) >= ALIKE * len(first | second)
