from dataclasses import replace

import pytest

from support.runtime.turn_parts import BACKUP, ROTATE, passage
from supportplane_runtime.orchestrator.drafts import Author, Draft
from supportplane_runtime.orchestrator.grounding import Quote, extract, proof, unsaid
from supportplane_runtime.rag.search.interfaces import Retrieval

MANUAL = passage(
    "Never delete the data folder. Widgets work only on Linux.\n\n## Old keys\n\n"
    "Steps:\n\n1. Run `supportplane keys create`.\n2. Revoke the old key.\n\n```\nsupportplane keys list\n```\n"
)

CLAIMS = [
    ("a whole sentence", "Never delete the data folder.", "Never delete the data folder."),
    ("without its full stop", "Never delete the data folder", "Never delete the data folder"),
    ("an item without its number", "Revoke the old key.", "Revoke the old key."),
    ("a sentence without its denial", "delete the data folder", None),
    ("a sentence without its condition", "Widgets work", None),
    ("with another number", "Widgets work only on Linux 6.", None),
    ("a denial that is not there", "Never revoke the old key.", None),
    ("general knowledge", "The moon is made of rock.", None),
    ("nothing", "", None),
    ("a heading", "Old keys", None),
    ("a lead-in", "Steps:", None),
    ("half a word", "Never delete the data fold", None),
]


@pytest.mark.parametrize(("claim", "words"), [row[1:] for row in CLAIMS], ids=[row[0] for row in CLAIMS])
def test_what_the_model_writes_is_proven_by_whole_statements_only(claim: str, words: str | None) -> None:
    retrieval = Retrieval("q", (ROTATE, MANUAL), confidence=0.9, in_scope=0.9)
    expected = Quote(1, words) if words else None
    assert proof(Draft(claim, Author.MODEL, 1), retrieval) == expected


def test_a_claim_is_checked_against_the_passage_it_names() -> None:
    retrieval = Retrieval("q", (ROTATE, MANUAL), confidence=0.9, in_scope=0.9)
    assert proof(Draft("Never delete the data folder.", Author.MODEL, 0), retrieval) is None


def test_a_quotation_must_stand_in_its_passage() -> None:
    retrieval = Retrieval("q", (ROTATE, BACKUP), confidence=0.9, in_scope=0.9)
    assert proof(Draft("It holds the database.", Author.EXTRACT, 1), retrieval) == Quote(1, "It holds the database.")
    assert proof(Draft("It holds the database.", Author.EXTRACT, 0), retrieval) is None


def test_what_is_extracted_is_proven_by_its_passage() -> None:
    retrieval = Retrieval("How do I rotate an API key?", (MANUAL, ROTATE), confidence=0.9, in_scope=0.9)
    drafts = extract(retrieval.question, retrieval)
    assert drafts
    assert all(proof(draft, retrieval) == Quote(draft.passage, draft.text) for draft in drafts)


def test_a_run_leaves_out_the_sentences_that_are_said_already() -> None:
    retrieval = Retrieval("q", (ROTATE,), confidence=0.9, in_scope=0.9)
    draft = Draft("Keys are long. Keys are stored hashed. Keys expire. Keys end.", Author.EXTRACT, 0)
    parts = unsaid(draft, {"Keys are stored hashed."}, retrieval)
    assert [part.text for part in parts] == ["Keys are long.", "Keys expire. Keys end."]
    steps = Draft("1. Open it.\n2. Close it.", Author.EXTRACT, 0)
    assert unsaid(steps, {"Open it."}, retrieval) == [steps]


def test_the_names_of_columns_must_stand_in_the_passage_that_they_are_taken_from() -> None:
    retrieval = Retrieval("q", (passage("| A | B |\n|---|---|\n| 1 | 2 |"),), confidence=0.9, in_scope=0.9)
    row = Draft("| 1 | 2 |", Author.EXTRACT, 0, (0, "| A | B |\n|---|---|"))
    assert proof(row, retrieval) == Quote(0, "| 1 | 2 |")
    assert row.shown == "| A | B |\n|---|---|\n| 1 | 2 |"
    assert proof(Draft("| 1 | 2 |", Author.EXTRACT, 0, (0, "| A | C |\n|---|---|")), retrieval) is None


def test_a_heading_is_shown_above_a_quotation_and_must_be_the_passages_own() -> None:
    retrieval = Retrieval("q", (MANUAL,), confidence=0.9, in_scope=0.9)
    draft = Draft("2. Revoke the old key.", Author.EXTRACT, 0, heading="Old keys")
    assert draft.shown == "**Old keys**\n\n2. Revoke the old key."
    assert proof(draft, retrieval) == Quote(0, "2. Revoke the old key.")
    assert proof(replace(draft, heading="New keys"), retrieval) is None
