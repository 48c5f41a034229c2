"""How binding, how general and which of two opposites a sentence is, against its passage; pure."""

from collections import Counter
from collections.abc import Sequence

from supportplane_runtime.languages import Language
from supportplane_runtime.rag.evidence import alignment
from supportplane_runtime.rag.evidence.alignment import Stretch
from supportplane_runtime.rag.evidence.marks import Mark, denials, every_of, marks, opposed_nearby, opposites, stems
from supportplane_runtime.rag.evidence.rules.case import MAYBE_MEANT, Case, clauses_of, content, denies, worded
from supportplane_runtime.rag.words.lexemes import sequence
from supportplane_runtime.rag.words.units import Kind


def has_other_modality(case: Case) -> bool:
    """A duty where the passage advises or allows, a certainty where it says what may be, or less than a duty."""
    if not worded(case):
        return False
    ours = marks(case.claim, case.written)
    held = [marks(_with_lead(each), case.written) for each in _alike(case)]
    return bool(held) and all(_is_other_modality(ours, each) for each in held)


def _with_lead(stretch: Stretch) -> str:
    """An item says how binding it is in its lead-in as well."""
    return f"{stretch.context}\n{stretch.text}" if stretch.kind is Kind.ITEM else stretch.text


def _is_other_modality(ours: Counter[Mark], held: Counter[Mark]) -> bool:
    if ours[Mark.OPTIONAL]:
        return not held[Mark.OPTIONAL] and not held[Mark.MAY]
    if ours[Mark.MUST] and not ours[Mark.MAY]:
        return not held[Mark.MUST] and bool(held[Mark.SHOULD] or held[Mark.MAY])
    if ours[Mark.ALWAYS] or ours[Mark.WILL]:
        return bool(held[Mark.USUALLY]) and not held[Mark.ALWAYS] and not held[Mark.WILL] and not ours[Mark.USUALLY]
    return False


def _alike(case: Case) -> Sequence[Stretch]:
    """The stretches that the claim may be about; those that deny as it does before others."""
    found = _about_the_same(alignment.best(content(case.claim, case), case.passage), case)
    alike = [each for each in found if denials(each.text, case.written) == denials(case.claim, case.written)]
    return alike or found


def _about_the_same(found: Sequence[Stretch], case: Case) -> Sequence[Stretch]:
    """Those with the first word of the claim that any of them has: mostly the one that something is said of."""
    for word in sequence(case.claim, case.written):
        held = [each for each in found if word in each.words]
        if held:
            return held
    return found


def has_other_quantifier(case: Case) -> bool:
    """Everything, or only this, or in any case: where the passage says it of some, not only, or under a condition."""
    if not worded(case):
        return False
    if any(_is_included_wrongly(text, found, case.written) for text, found in clauses_of(case)):
        return True
    found = alignment.best(content(case.claim, case), case.passage, near=MAYBE_MEANT)
    return bool(found) and all(_is_other_quantifier(case.claim, each.text, case.written) for each in found)


def _is_included_wrongly(clause: str, found: Sequence[Stretch], language: Language) -> bool:
    """`the source included` where the passage says of the source that it is not."""
    if not marks(clause, language)[Mark.INCLUDING] or denies(clause, language):
        return False
    return bool(found) and all(denies(each.text, language) for each in found)


def _is_other_quantifier(claim: str, stretch: str, language: Language) -> bool:
    ours, held = marks(claim, language), marks(stretch, language)
    lacks = (
        (Mark.EVEN, held[Mark.EVEN] or held[Mark.ALWAYS]),
        (Mark.INCLUDING, held[Mark.INCLUDING] or not held[Mark.EXCEPTIONS]),
        (Mark.ALWAYS, held[Mark.ALWAYS] or held[Mark.EVERY]),
        (Mark.ONLY, held[Mark.ONLY] or denies(stretch, language)),
    )
    return any(ours[mark] and not known for mark, known in lacks) or _is_of_more(claim, stretch, language)


def _is_of_more(claim: str, stretch: str, language: Language) -> bool:
    """The claim says it of all or each of something, the stretch does not."""
    held = marks(stretch, language)
    wanted, given = every_of(claim, language), every_of(stretch, language)
    if not wanted or denies(claim, language):
        return False
    if not held[Mark.EVERY] and not held[Mark.ALWAYS]:
        return True
    return "" not in given and bool((wanted - given) & stems(stretch, language))


def has_opposite(case: Case) -> bool:
    if not worded(case):
        return False
    if opposed_nearby(case.claim, case.passage.text, case.written) and not denies(case.claim, case.written):
        return True
    for text, stretches in clauses_of(case):
        if stretches and all(_is_opposite(text, each, case.written) for each in stretches):
            return True
    return False


def _is_opposite(text: str, stretch: Stretch, language: Language) -> bool:
    same = denies(text, language) == denies(stretch.text, language)
    return same and opposites(text, stretch.text, language)
