import pytest

from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.rules.table import Breach, breach

PASSAGE = """The locker is free for the first 10 days and then costs $5 to $7 a week. A box weighs at most 20 kg.

To rent a locker:

1. Open the app and choose a location.
2. Scan the code on the door.
3. Pay with a card.

You may cancel until 6 p.m. We recommend a lock of your own. Lockers cannot be shared with other customers.
Doors open automatically. Small lockers usually hold one box. Keep the receipt before you leave the station.
North Hall lockers take coins and notes. South Hall lockers accept only cards and phones.
`locker open --door 4` opens a door by hand. `locker status` prints the state of every door."""


def broken(claim: str, *, spoken: str = "en") -> Breach | None:
    return breach(claim, PASSAGE, spoken=language(spoken), written=language("en"))


@pytest.mark.parametrize(
    "claim",
    [
        "For the first ten days the locker costs nothing.",
        "After that it costs between 5 and 7 dollars a week.",
        "A box may weigh up to 20 kilograms.",
        "You can cancel up to 6 in the evening.",
        "Customers are not allowed to share a locker.",
        "No, you can't share a locker with other customers.",
        "It is best to bring a lock of your own.",
        "First open the app, then scan the code on the door.",
        "Scan the code on the door before you pay with a card.",
        "In the South Hall you can only pay by card or phone.",
        "Use `locker open --door 4` to open a door by hand.",
        "A box can't be heavier than 20 kg.",
    ],
)
def test_what_the_passage_says_in_other_words_breaks_no_rule(claim: str) -> None:
    assert broken(claim) is None


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        ("The locker is free for the first 14 days.", Breach.NUMBER),
        ("The locker costs $4 to $7 a week.", Breach.NUMBER),
        ("A box weighs at least 20 kg.", Breach.NUMBER),
        ("The locker is free for the first 10 hours.", Breach.UNIT),
        ("The locker costs 5 to 7 dollars a month.", Breach.UNIT),
        ("A box weighs at most 20 lb.", Breach.UNIT),
        ("You may cancel until 6 a.m.", Breach.UNIT),
        ("Lockers can be shared with other customers.", Breach.DENIAL),
        ("Doors do not open automatically.", Breach.DENIAL),
        ("You must use a lock of your own.", Breach.MODALITY),
        ("Small lockers always hold one box.", Breach.MODALITY),
        ("All small lockers hold one box.", Breach.QUANTIFIER),
        ("Only small lockers hold one box.", Breach.QUANTIFIER),
        ("Pay with a card before you scan the code on the door.", Breach.ORDER),
        ("Leave the station before you keep the receipt.", Breach.ORDER),
        ("Doors open manually.", Breach.OPPOSITE),
        ("Rent a locker in the West Hall.", Breach.NAME),
        ("Run `locker close --door 4`.", Breach.CODE),
        ("North Hall lockers accept only cards and phones.", Breach.BINDING),
        ("`locker status` opens a door by hand.", Breach.BINDING),
        ("Refunds arrive after review by our finance team.", Breach.OUTSIDE),
    ],
)
def test_what_the_passage_does_not_hold_or_turns_round_breaks_a_rule(claim: str, rule: Breach) -> None:
    assert broken(claim) is rule


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        ("In den ersten zehn Tagen ist das Schließfach kostenlos.", None),
        ("Das Schließfach kostet danach 5 bis 7 Dollar pro Woche.", None),
        ("In den ersten zehn Wochen ist das Schließfach kostenlos.", Breach.UNIT),
        ("In den ersten 12 Tagen ist das Schließfach kostenlos.", Breach.NUMBER),
        ("Mit `locker close` schließen Sie die Tür.", Breach.CODE),
    ],
)
def test_in_another_language_numbers_units_and_code_are_still_compared(claim: str, rule: Breach | None) -> None:
    assert broken(claim, spoken="de") is rule


def test_a_language_without_words_of_meaning_leaves_meaning_to_others() -> None:
    sentence = "Lås skal bruges."
    assert breach("Lås må ikke bruges.", sentence, spoken=language("da"), written=language("da")) is None
    assert breach("Lås skal bruges i 3 dage.", sentence, spoken=language("da"), written=language("da")) is Breach.NUMBER


@pytest.mark.parametrize("passage", ["", "# Lockers", "Is it free?", "| a | b |", "1."])
def test_a_passage_without_statements_speaks_of_nothing(passage: str) -> None:
    assert breach("Small boxes are there.", passage, spoken=language("en"), written=language("en")) is Breach.OUTSIDE
