import pytest

from supportplane_runtime.languages import language
from supportplane_runtime.rag.evidence.claims import says_something
from supportplane_runtime.rag.evidence.passage import Passage

QUESTION = "How do I return a parcel?"
RETURNS = Passage(
    title="Returns",
    heading_path=("Returns", "Parcels from Spain"),
    text="## How to return a parcel\n\nTo return a parcel, print the return label in your account and hand the parcel "
    "in at any post office within 30 days. Parcels never expire. You can return parcels.\n\nYou need:\n\n"
    "- a return label\n- [Labels](labels.md)\n\n## Refunds\n\nA refund takes five days.",
    language=language("en"),
)

NOTHING_SAID = [
    ("the heading inside of the passage", "How to return a parcel", QUESTION),
    ("the same as a sentence", "How to return a parcel.", QUESTION),
    ("the heading as it is marked up", "## How to return a parcel", QUESTION),
    ("another heading", "Refunds", QUESTION),
    ("a heading, to another question", "Return a parcel.", "Where is my money?"),
    ("the title", "Returns", QUESTION),
    ("the path of headings", "Returns: parcels from Spain", QUESTION),
    ("the question", "How do I return a parcel?", QUESTION),
    ("the question as a statement", "You return a parcel.", "How is a parcel returned?"),
    ("a part of the question", "Return a parcel", QUESTION),
    ("a part of the sentence that proves it", "To return a parcel.", QUESTION),
    ("another question", "Which post office is open?", QUESTION),
    ("a link", "[Labels](labels.md)", "Where do I find labels for the post?"),
    ("links and an address", "- [Labels](labels.md), [Post][post], https://post.example/open", QUESTION),
    ("a lead-in", "You need:", QUESTION),
    ("words of no meaning", "It is this.", QUESTION),
    ("nothing", "", QUESTION),
]


@pytest.mark.parametrize(("claim", "question"), [row[1:] for row in NOTHING_SAID], ids=[row[0] for row in NOTHING_SAID])
def test_what_tells_a_customer_nothing_is_no_answer(claim: str, question: str) -> None:
    assert not says_something(claim, RETURNS, question)


ANSWERS = [
    ("the answer", "Print the return label in your account.", QUESTION),
    ("a short one", "Yes, within 30 days.", "Can I return a parcel?"),
    ("a number", "30 days", "How many days do I have?"),
    ("an item", "a return label", "What do I need at the post office?"),
    ("with a link in it", "Print a label: see [Labels](labels.md).", QUESTION),
    ("a denial of the question", "You can't return a parcel.", "Can I return a parcel?"),
    ("the passage's own sentence in the question's words", "Parcels never expire.", "Do parcels never expire?"),
    ("a confirmation", "You can return parcels.", "Can I return parcels?"),
    ("under a heading that asks it", "A refund takes five days.", "How many days does a refund take?"),
    ("in quotation marks", "\u201cParcels never expire.\u201d", "When do parcels expire?"),
    ("code", "```\nlabels:\n```", QUESTION),
]


@pytest.mark.parametrize(("claim", "question"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_short_answers_are_answers(claim: str, question: str) -> None:
    assert says_something(claim, RETURNS, question)


def test_words_are_compared_in_the_passages_language() -> None:
    guide = Passage("Pakete senden Sie mit dem Etikett zurück.", "Anleitung", (), language("de-CH"))
    assert not says_something("Das Paket zurücksenden", guide, "Wie kann ich ein Paket zurücksenden?")
    assert says_something("Mit dem Etikett.", guide, "Wie kann ich ein Paket zurücksenden?")
    assert says_something("Ein Paket kann nicht zurückgesendet werden.", guide, "Kann ein Paket zurückgesendet werden?")
