"""Numbers and units that the passage does not have, or has of something else; pure."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.marks import Mark, bound, denials
from supportplane_runtime.rag.evidence.measures import Quantity, family, quantities, ranges
from supportplane_runtime.rag.evidence.rules.case import RIVAL_BY, Case, content, fit
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import Kind


def bounds(text: str, language: Language) -> frozenset[tuple[str, Fraction, Mark]]:
    """Each amount of the text that is the least or the most, with which of them."""
    found = ((each, bound_of(text, each, language)) for each in quantities(text, language))
    return frozenset((*amount, kind) for each, kind in found if kind is not None for amount in each.amounts)


def bound_of(text: str, quantity: Quantity, language: Language) -> Mark | None:
    """By the three words before the number and the three after it."""
    before, after = text[: quantity.start].split()[-3:], text[quantity.end :].split()[:3]
    return bound(" ".join([*before, "#", *after]), language)


def has_other_number(case: Case) -> bool:
    """A number that the passage does not have, or has elsewhere."""
    held = quantities(case.passage.statements, case.written)
    ours = quantities(case.claim, case.spoken)
    values = {value for each in held for value in each.values} | {amount for each in held for _, amount in each.amounts}
    for each in ours:
        if each.values and not each.values & values and not {amount for _, amount in each.amounts} & values:
            return True
    if _other_range(case, ours, held):
        return True
    return case.is_same and (_number_of_another(case, ours) or _otherbound_of(case, ours))


def _otherbound_of(case: Case, ours: Sequence[Quantity]) -> bool:
    """At least where the passage says at most of the same number. What is denied is left to other rules."""
    if denials(case.claim, case.written):
        return False
    for each in ours:
        ours_is = bound_of(case.claim, each, case.written)
        theirs = {
            bound_of(stretch.text, known, case.written)
            for stretch in case.passage.stretches
            for known in quantities(stretch.text, case.written)
            if known.amounts & each.amounts and not denials(stretch.text, case.written)
        }
        if ours_is is not None and theirs and None not in theirs and ours_is not in theirs:
            return True
    return False


def _other_range(case: Case, ours: Sequence[Quantity], held: Sequence[Quantity]) -> bool:
    known = [(first.values, second.values) for first, second in ranges(case.passage.statements, tuple(held))]
    stretches = [_values(quantities(each.text, case.written)) for each in case.passage.stretches]
    for first, second in ranges(case.claim, tuple(ours)):
        is_range = any(first.values & low and second.values & high for low, high in known)
        if not is_range and not any(first.values & values and second.values & values for values in stretches):
            return True
    return False


def _values(found: Sequence[Quantity]) -> frozenset[object]:
    return frozenset(value for each in found for value in each.values)


def _number_of_another(case: Case, ours: Sequence[Quantity]) -> bool:
    """The words around a number fit another number of the same unit better than all of its own places."""
    claimed = {value for each in ours for value in each.values}
    places = list(_places(case))
    for each in ours:
        if not each.values:
            continue
        words = content(case.claim, case)
        same = [place for place in places if place[0].values & each.values]
        alike = [place for place in same if _comparable(place[0], each)]
        own = [fit(words, around, case) for _, around in alike or same]
        rivals = [
            fit(words, around, case)
            for quantity, around in places
            if quantity.values and not quantity.values & claimed and _comparable(quantity, each)
        ]
        if own and rivals and max(rivals) > max(own) + RIVAL_BY:
            return True
    return False


def _comparable(one: Quantity, other: Quantity) -> bool:
    return (one.unit is not None and one.unit == other.unit) or (one.unit is None and other.unit is None)


def _places(case: Case) -> Iterator[tuple[Quantity, frozenset[str]]]:
    """Each quantity with the words of its clause, up to the quantities before and behind it."""
    for stretch in case.passage.stretches:
        parts = [stretch.text] if stretch.kind is Kind.ROW else _parts(stretch.text, case.written)
        for part in parts:
            found = quantities(part, case.written)
            ends = [0, *(each.end for each in found)]
            starts = [*(each.start for each in found[1:]), len(part)]
            for quantity, start, end in zip(found, ends, starts, strict=False):
                words = frozenset(sequence(part[start:end], case.written))
                known = len(words) > alignment.LEAST_WORDS and stretch.kind is not Kind.ROW
                yield quantity, words if known else frozenset(sequence(part, case.written))


_PART = re.compile(r"(?<=[,;])\s+|\s*[()]\s*|(?<=[.!?])\s+(?=[A-Z])")


def _parts(text: str, language: Language) -> list[str]:
    """The clauses of a text; one that is too short to say what it is about is the whole text."""
    parts = [part for part in _PART.split(text) if part.strip()]
    return [part if len(set(sequence(part, language))) > alignment.LEAST_WORDS else text for part in parts]


def has_other_unit(case: Case) -> bool:
    """The same number of something else, or a unit where the passage has another of its family."""
    held = quantities(case.passage.statements, case.written)
    amounts = {amount for each in held for amount in each.amounts}
    used = {each.unit for each in held if each.unit}
    for each in quantities(case.claim, case.spoken):
        if each.unit is None or each.amounts & amounts:
            continue
        same = [known for known in held if known.values & each.values] if each.values else []
        others = [known for known in same if known.unit and family(known.unit) & family(each.unit)]
        if each.values and not others and any(known.unit is None for known in same):
            continue
        if each.values and same:
            return True
        if not each.values and each.unit not in used and any(family(each.unit) & family(unit) for unit in used):
            return True
    return False
