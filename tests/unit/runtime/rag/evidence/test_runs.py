from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.page_reader import MAX_PROSE
from supportplane_runtime.rag.evidence.passage import Passage
from supportplane_runtime.rag.evidence.quotations import Quotation
from supportplane_runtime.rag.evidence.runs import Found, pick
from supportplane_runtime.rag.words.lexemes import lexemes

ENGLISH = language("en")
# More than a section that is quoted whole.
FILLER = "Bananas are yellow. " * 70


def passages(*texts: str, scores: tuple[float, ...] = (), heading: str = "") -> list[Passage]:
    path = (heading,) if heading else ()
    return [Passage(text, "", path, ENGLISH, scores[n] if scores else 0.9) for n, text in enumerate(texts)]


def one_page(*texts: str, heading: str = "Page") -> list[Passage]:
    """Passages that follow each other; the first was found best."""
    return [replace(each, document="page.md", position=n) for n, each in enumerate(passages(*texts, heading=heading))]


def picked(question: str, found: list[Passage], *, ranked: int | None = None) -> list[Quotation]:
    rarities = dict.fromkeys(lexemes(question, ENGLISH), 1.0)
    return pick(question, Found(found, rarities, len(found) if ranked is None else ranked))


def said(question: str, *texts: str, heading: str = "") -> list[str]:
    return [each.text for each in picked(question, passages(*texts, heading=heading))]


@given(st.text(alphabet=st.sampled_from("key rotate. \n-#`?|:1>!"), max_size=200))
def test_what_is_quoted_stands_in_the_passage(text: str) -> None:
    for quotation in picked("rotate key", passages(text)):
        assert quotation.text in text


@given(st.lists(st.text(alphabet=st.sampled_from("key rotate. \n-#`?|:1>!"), max_size=80), max_size=4))
def test_what_is_quoted_from_a_page_stands_in_its_passages(texts: list[str]) -> None:
    found = one_page(*texts)
    for quotation in picked("rotate key", found):
        assert quotation.text in found[quotation.passage].text
        assert quotation.head is None or quotation.head[1] in found[quotation.head[0]].text


STEPS = "To rotate a key:\n\n1. Create a new key.\n   It is shown once.\n2. Revoke the old key.\n3. Tell your team."


def test_a_procedure_is_quoted_from_its_first_step_to_its_last() -> None:
    text = f"{FILLER}\n\n{STEPS}\n\nRevoked keys stop working within a minute. They cannot be brought back."
    assert STEPS in said("How do I rotate a key?", text)


def test_a_short_section_about_what_is_asked_is_quoted_whole() -> None:
    text = f"{STEPS}\n\nThe old one stops working within a minute."
    assert said("How do I rotate a key?", text, heading="Rotate a key") == [text]


def test_a_long_section_about_what_is_asked_is_quoted_from_its_beginning() -> None:
    text = "Keys are rotated twice a year. Nobody does it for you.\n\n" + "\n\n".join([FILLER.strip()] * 4)
    (quoted,) = said("How do I rotate a key?", text, heading="Rotate a key")
    assert quoted.startswith("Keys are rotated twice a year.")
    assert len(quoted) <= MAX_PROSE


def test_a_procedure_that_goes_on_in_the_next_passage_is_quoted_to_its_end() -> None:
    found = one_page("Rotate it so:\n\n1. Create a new key.\n2. Revoke it.", "3. Tell your team.\n\n## Next\n\nElse.")
    texts = [each.text for each in picked("How do I rotate a key?", found, ranked=1)]
    assert texts == ["Rotate it so:\n\n1. Create a new key.\n2. Revoke it.", "3. Tell your team."]


def test_a_procedure_that_began_in_the_passage_before_is_quoted_from_its_beginning() -> None:
    before, found = one_page("Rotate it so:\n\n1. Create a token.", "2. Revoke the old key.", heading="Rotate")
    texts = [each.text for each in picked("How do I revoke the old key?", [found, before], ranked=1)]
    assert texts == ["Rotate it so:\n\n1. Create a token.", "2. Revoke the old key."]


def test_a_note_between_two_steps_of_a_long_list_is_left_out_and_a_warning_is_not() -> None:
    steps = [
        f"{n}. Press the button number {n} of the panel and hold it for a while until it glows." for n in range(1, 12)
    ]
    aside = [*steps[:3], ":::tip\nThe panel is blue.\n:::", *steps[3:]]
    warned = [*steps[:3], ":::warning\nThe panel is hot.\n:::", *steps[3:]]
    quoted = [
        "\n\n".join(said("How do I use it?", "\n\n".join(each), heading="How to use it")) for each in (aside, warned)
    ]
    assert "blue" not in quoted[0]
    assert ":::warning\nThe panel is hot.\n:::" in quoted[1]
    assert all(steps[0] in each and steps[-1] in each for each in quoted)


TABLE = "| City | Price | Days |\n|---|---|---|\n| Oslo | 4 | 3 |\n| Rome | 5 | 2 |\n| Turin | 6 | 9 |"
HEAD = "| City | Price | Days |\n|---|---|---|"


def test_a_row_is_quoted_with_its_header_and_without_its_neighbours() -> None:
    (quoted,) = picked("What is the price for Rome?", passages(f"{FILLER}\n\n{TABLE}", heading="Prices"))
    assert (quoted.head, quoted.text) == ((0, HEAD), "| Rome | 5 | 2 |")


def test_rows_of_two_things_asked_about_are_both_quoted() -> None:
    quoted = picked("Is the price for Oslo or Turin higher?", passages(TABLE, heading="Prices"))
    assert [(each.head is not None, each.text) for each in quoted] == [
        (True, "| Oslo | 4 | 3 |"),
        (True, "| Turin | 6 | 9 |"),
    ]


def test_the_header_of_a_row_may_stand_in_the_passage_before() -> None:
    first, second = one_page(f"{HEAD}\n| Oslo | 4 | 3 |", "| Rome | 5 | 2 |\n| Turin | 6 | 9 |", heading="Prices")
    (quoted,) = picked("What is the price for Turin?", [second, first], ranked=1)
    assert (quoted.passage, quoted.head, quoted.text) == (0, (1, HEAD), "| Turin | 6 | 9 |")


def test_a_table_that_the_question_asks_for_as_such_is_quoted_whole() -> None:
    assert said("Which prices are there?", TABLE, heading="Prices") == [TABLE]


def test_of_items_that_begin_with_a_name_the_one_asked_for_is_quoted() -> None:
    text = "- **Bulb**: three years\n- **Strip**: two years\n- **Hub**: one year"
    assert said("How long is the warranty of the Strip?", text, heading="Warranty") == ["- **Strip**: two years"]
    assert said("How long is the warranty?", text, heading="Warranty") == [text]


def test_items_that_belong_together_are_quoted_together() -> None:
    text = "You need:\n\n- a printed label\n- the parcel in its box\n- your photo ID"
    assert said("Do I need a label to return it?", text, heading="Returns") == [text]


def test_the_same_said_of_something_else_is_not_quoted() -> None:
    text = (
        f"{FILLER}The warranty of the bulb is three years from the day of purchase. "
        f"The warranty of the strip is two years from the day of purchase. {FILLER}"
    )
    quoted = " ".join(said("How long is the warranty of the strip?", text))
    assert "strip" in quoted
    assert "bulb" not in quoted


def test_of_a_short_section_the_neighbours_price_is_not_quoted() -> None:
    text = "The bulb costs 19 euros. The strip costs 29 euros. All prices include tax."
    quoted = said("How much is the strip?", text, heading="Prices")
    assert quoted == ["The strip costs 29 euros. All prices include tax."]
    assert said("Which prices are there?", text, heading="Prices") == [text]


def test_code_is_quoted_with_the_sentence_that_explains_it() -> None:
    text = f"{FILLER}\n\nThis lists the lamps of a hub.\n\n```\nglow lamps\n```\n\n{FILLER}"
    assert said("How do I list lamps?", text, heading="Commands") == [
        "This lists the lamps of a hub.\n\n```\nglow lamps\n```"
    ]


def test_a_note_is_quoted_without_what_stands_beside_it() -> None:
    text = f"```\nglow lamps\n```\n\n{FILLER}\n\n> [!NOTE]\n> The hub takes at most 48 lamps."
    assert said("How many lamps does the hub take?", text) == ["> [!NOTE]\n> The hub takes at most 48 lamps."]


NOTHING = [
    ":::", "</Note>", "<div>", "import Box from '@site/box';", "![Lamps](lamps.png)", "* * *", "[Lamps](lamps.md)",
    "## Lamps", "Lamps:", "| Lamps | Price |\n|---|---|", ".. image:: lamps.png", "How many lamps?",
]  # fmt: skip


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_says_nothing_is_no_quotation(nothing: str) -> None:
    assert said("How many lamps are there?", nothing) == []


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_says_nothing_is_left_out_at_both_ends(nothing: str) -> None:
    text = f"{nothing}\n\nLamps are sold in pairs.\n\n{nothing}"
    assert said("How are lamps sold?", text) == ["Lamps are sold in pairs."]


def test_where_the_best_find_says_nothing_the_next_is_quoted() -> None:
    found = passages("![Lamps](lamps.png)\n\n:::", "Lamps are sold in pairs.", scores=(0.9, 0.8))
    assert picked("How are lamps sold?", found) == [Quotation(1, "Lamps are sold in pairs.")]


def test_the_sentence_that_holds_the_question_is_quoted() -> None:
    passage = f"{FILLER}A key lives for ninety days. " + "Apples are red. " * 20
    assert any("A key lives for ninety days." in each for each in said("How long does a key live?", passage))


def test_a_sentence_that_leans_on_the_one_before_brings_it() -> None:
    text = "The trial has limits. They apply to exports and to imports of data. " + "Other things exist. " * 30
    assert said("exports imports data", text)[0].startswith("The trial has limits. They apply")


def test_a_question_in_the_passage_is_answered_by_what_follows_it() -> None:
    passage = "How long do sessions last? Twelve hours at most. Colours can be changed. " + FILLER
    quoted = " ".join(said("How long do sessions last?", passage))
    assert "Twelve hours at most." in quoted


def test_the_answer_to_a_question_that_is_the_heading_is_the_section_below_it() -> None:
    text = "Our lamps speak to Aria and to Nelli. They ignore Borealis."
    assert said("Which voice assistants are supported?", text, heading="Which voice assistants are supported?") == [
        text
    ]


def test_the_first_passage_is_enough_when_it_covers_the_question() -> None:
    found = picked("rotate a key", passages(STEPS, "You rotate a key by rotating a key."))
    assert {each.passage for each in found} == {0}


def test_another_passage_adds_what_the_first_lacks() -> None:
    added = "On Windows with proxies, set the variable first."
    found = picked("rotate a key on Windows with proxies", passages(STEPS, added, scores=(0.9, 0.8)))
    assert found[-1] == Quotation(1, added)


def test_a_much_worse_find_adds_nothing() -> None:
    found = picked("rotate a key on Windows", passages(STEPS, "Windows is great.", scores=(0.9, 0.3)))
    assert {each.passage for each in found} == {0}


def test_a_question_without_a_word_in_common_gets_the_beginning() -> None:
    assert said("Wie geht das?", "First things first. Then the rest.")[0].startswith("First things first.")


def test_a_very_long_paragraph_is_not_quoted_whole() -> None:
    passage = " ".join(f"The key number {n} is rotated every day by someone." for n in range(60))
    assert sum(len(each) for each in said("key rotated", passage)) <= MAX_PROSE


def test_no_passage_is_no_quotation() -> None:
    assert picked("anything", []) == []


def test_a_follow_up_gets_its_own_row_and_not_those_of_the_questions_before() -> None:
    before = ["What is the price for Oslo?", "And for Rome?"]
    for question, row in (("And for Turin?", "| Turin | 6 | 9 |"), ("How many days does it take?", "| Rome | 5 | 2 |")):
        (quoted,) = pick(question, Found(passages(TABLE, heading="Prices"), {}, 1), leans_on=before)
        assert quoted.text == row


def test_steps_written_as_paragraphs_are_quoted_together() -> None:
    intro = "Goals count what visitors do. " * 12
    steps = [
        "Go to the settings and open **Goals** to configure a goal.",
        "Click **Add goal** and choose its kind.",
        "Type its name and press **Save**.",
    ]
    (quoted,) = said(
        "Where do I configure a goal in the settings?", "\n\n".join([intro, *steps, FILLER]), heading="Goals"
    )
    assert quoted == "\n\n".join(steps)


def test_a_short_section_is_quoted_whole_although_one_paragraph_holds_what_is_asked() -> None:
    text = "Lamps listen on port 48.\n\nA firewall must let them through.\n\nRestart the hub afterwards."
    assert said("Which port do lamps listen on?", text, heading="Network") == [text]


def test_two_finds_that_are_as_good_are_both_quoted() -> None:
    texts = ("Lamps are paired by the hub.", "A reset forgets each lamp.")
    found = picked("How do I remove a lamp?", passages(*texts, scores=(0.9, 0.85)))
    assert [each.text for each in found] == [*texts]


def test_a_find_that_is_less_good_is_not_quoted_beside_the_first() -> None:
    texts = ("Lamps are paired by the hub.", "A reset forgets each lamp.")
    found = picked("How do I remove a lamp?", passages(*texts, scores=(0.9, 0.8)))
    assert [each.text for each in found] == [texts[0]]


def test_a_find_about_something_else_is_not_quoted_however_near_it_is() -> None:
    texts = ("Lamps are paired by the hub.", "Sockets forget each pairing after a reset.")
    found = picked("How do I pair a lamp?", passages(*texts, scores=(0.9, 0.9)))
    assert [each.text for each in found] == [texts[0]]


def test_a_note_between_two_items_is_quoted_and_a_tip_is_not() -> None:
    steps = [
        f"- Press key {n} until the lamp turns green, then wait a moment for the next one to follow it."
        for n in range(8)
    ]
    note, tip = (f":::{name}\nBoth ends of the strip count as a lamp.\n:::" for name in ("note", "tip"))
    text = "\n".join([*steps[:2], "", note, "", *steps[2:5], "", tip, "", *steps[5:]])
    answer = "\n".join(said("How do I number the keys of a lamp?", text, heading="Number the keys"))
    assert note in answer
    assert tip not in answer
    assert steps[-1] in answer


def test_a_short_list_with_a_lead_in_is_quoted_with_all_its_items() -> None:
    text = "Block what sends them:\n\n- **By address**: when one lamp sends all\n- **By room**: when a room does"
    assert said("A lamp with an odd address sends signals", text, heading="Signals") == [text]


def test_the_heading_that_names_the_subject_is_shown_where_the_quotation_does_not() -> None:
    (quoted,) = picked("What is a mesh?", passages("Every lamp repeats what it hears.", heading="Mesh"))
    assert quoted.heading == "Mesh"


def test_no_heading_is_shown_where_the_quotation_names_the_subject() -> None:
    (quoted,) = picked("What is a mesh?", passages("In a mesh every lamp repeats what it hears.", heading="Mesh"))
    assert not quoted.heading


def test_a_word_that_no_passage_holds_keeps_no_other_passage_from_adding_what_is_missing() -> None:
    texts = ("Lamps are paired by the hub.", "A green light means a weak battery.")
    question = "My lamp mysteriously, suddenly and annoyingly shows a green light"
    found = picked(question, passages(*texts, scores=(0.9, 0.7)))
    assert [each.text for each in found] == [*texts]


def test_a_second_find_that_holds_less_than_half_of_the_question_is_not_quoted() -> None:
    texts = ("Lamps are paired by the hub.", "A green light needs `hub wipe`.")
    question = "My lamp blinks in red, hums and shows a green light: does the hub break, wipe or burn it?"
    others = passages("Red ones blink, hum and burn.", "Things break.", scores=(0.5, 0.5))
    found = [*passages(*texts, scores=(0.9, 0.85)), *others]
    assert [each.text for each in picked(question, found)] == [texts[0]]


TABS = '=== "Hub 1"\n\n    ```\n    glow1 restart\n    ```\n\n=== "Hub 2"\n\n    ```\n    glow2 restart\n    ```'


def test_a_procedure_goes_on_behind_the_tabs_of_a_step() -> None:
    steps = f"1. Open the file `glow.conf`.\n2. Restart the hub:\n\n{TABS}\n\n3. Hold the lamp near it."
    assert said("How do I add a lamp?", f"{steps}\n\n{FILLER * 8}", heading="Lamps") == [steps]


def test_of_several_tabs_one_counts_for_the_length_of_a_section() -> None:
    tabs = TABS.replace("restart", "restart " + "x" * 500)
    text = f"Lamps glow. Lamps hum.\n\nRestart it:\n\n{tabs}\n\nA hub takes a minute to find all."
    assert said("How long does the hub take to find all?", text, heading="Restart") == [text]


def test_paragraphs_with_numbers_are_steps_of_one_procedure() -> None:
    steps = "1\\. Press **Add**.\n\n2\\. Type its name:\n\n```\nhall\n```\n\n**3\\.** Press **Save** and wait."
    assert said("How do I press add?", f"{FILLER * 8}\n\n{steps}\n\n{FILLER * 8}", heading="Lamps") == [steps]


def test_a_line_between_two_parts_is_no_heading() -> None:
    text = "Some text.\n\n---\n\nEvery lamp repeats what it hears."
    (quoted,) = picked("In a mesh, does a lamp repeat?", passages(text, heading="Mesh"))
    assert quoted == Quotation(0, "Every lamp repeats what it hears.", heading="Mesh")


def test_a_box_is_quoted_with_all_its_paragraphs() -> None:
    box = '!!! danger "Attention"\n    The hub wipes all its lamps.\n\n    Only a paper list brings them back.'
    text = f"{FILLER * 8}\n\n{box}\n\n{FILLER * 8}"
    assert said("Does the hub wipe its lamps?", text) == [box]


def test_a_section_is_not_quoted_for_its_box_alone() -> None:
    box = "!!! warning\n    The hub is hot."
    steps = "\n".join(
        f"{n}. Press the button number {n} of the panel and hold it until the lamp glows." for n in range(1, 50)
    )
    assert said("How do I use it?", f"{box}\n\n{steps}", heading="Use")[-1].endswith(steps.splitlines()[-1])


def test_what_the_last_words_announce_is_quoted() -> None:
    code = f"```\nglow pair {'x' * 300}\n```"
    text = f"{'The hub remembers the lamps of its home. ' * 24}Then type this:\n\n{code}\n\n{FILLER}"
    assert said("How do I pair a lamp?", text, heading="Pair a lamp")[-1].endswith(code)


def test_a_procedure_is_quoted_with_the_command_that_ends_it() -> None:
    steps = "- Write `lamp=hall` into the file\n- Save the file\n\nRestart the hub:\n\n```\nglow restart\n```"
    assert said("Where do I write lamp hall?", f"{FILLER * 8}\n\n{steps}\n\n{FILLER * 8}") == [steps]


def test_prose_goes_on_to_the_steps_of_its_section() -> None:
    text = (
        "A red lamp has lost its hub. Nothing is broken.\n\nPair it again.\n\n1. Hold the lamp near.\n2. Press **Add**."
    )
    quoted = said("Why is my lamp red?", f"{text}\n\n{FILLER * 16}")
    assert quoted == [text]


BOLD_TABS = "**Hub 1:**\n\n```\nglow1 restart\n```\n\n**Hub 2:**\n\n```\nglow2 restart\n```"


def test_of_tabs_with_labels_in_bold_one_counts_for_the_length_of_a_section() -> None:
    tabs = BOLD_TABS.replace("restart", "restart " + "x" * 500)
    text = f"Lamps glow. Lamps hum.\n\nRestart it:\n\n{tabs}\n\nA hub takes a minute to find all."
    assert said("How long does the hub take to find all?", text, heading="Restart") == [text]


def test_a_section_is_not_quoted_for_a_box_alone_that_is_written_as_a_paragraph() -> None:
    steps = "\n".join(f"{n}. Press the button number {n} and hold it until the lamp glows again." for n in range(1, 50))
    text = f"**Warning:** The hub is hot.\n\n{steps}"
    assert said("How do I use it?", text, heading="Use")[-1].endswith(steps.splitlines()[-1])


def test_the_heading_that_the_first_paragraph_points_at_is_shown() -> None:
    text = "Some banks split it. Choose this column for either."
    (quoted,) = picked("Which column is for both?", passages(text, heading="Debit or credit"))
    assert quoted.heading == "Debit or credit"


def test_no_heading_is_shown_that_nothing_points_at() -> None:
    (quoted,) = picked("When are you open?", passages("We are open from Tuesday on.", heading="Hours"))
    assert not quoted.heading


def test_a_paragraph_that_points_at_the_one_before_brings_it() -> None:
    before, pointing = "Choose the green mode of the hub.", "With this mode set, lamps dim at dusk and wake at dawn."
    text = f"{FILLER}\n\n{before}\n\n{pointing}\n\n{FILLER}"
    assert said("When do lamps dim at dusk and wake?", text) == [f"{before}\n\n{pointing}"]


def test_a_sentence_that_two_others_point_at_is_quoted_once() -> None:
    shared = "The dusk mode dims lamps."
    text = f"{FILLER}Lamps wake at dawn with a click. {shared}\n\nThis mode needs a clock at dusk.\n\n{FILLER}"
    quoted = "\n".join(said("Do lamps wake at dawn with a click, and does dusk need a clock?", text))
    assert quoted.count(shared) == 1


@pytest.mark.parametrize(
    "box", ["**Danger:** The hub forgets its lamps.", "!!! danger\n    The hub forgets its lamps."]
)
def test_commands_are_quoted_with_the_box_at_the_top_of_their_section(box: str) -> None:
    command = "This restarts the hub at dusk.\n\n```\nglow restart\n```"
    text = f"{box}\n\n{FILLER}\n\n{command}\n\n{FILLER}"
    assert said("What restarts the hub at dusk?", text, heading="Hub") == [box, command]
    assert box not in said("Are bananas yellow at dusk?", text.replace(command, "Dusk is dark."), heading="Hub")


def test_what_the_last_sentence_says_stands_below_is_quoted() -> None:
    announced = "Lamps dim at dusk if the switch below is on.\n\nTurn the switch to green with the hub's key."
    text = f"{FILLER}\n\n{announced}\n\n{FILLER}"
    assert said("Do lamps dim at dusk if on?", text, heading="Hub") == [announced]
