from supportplane_runtime.domain.answer import Answer, Outcome, Source
from supportplane_runtime.evaluation.asking import Observation
from supportplane_runtime.evaluation.dataset import Question, Said
from supportplane_runtime.evaluation.judged import JudgedAnswer
from supportplane_runtime.evaluation.transcript import markdown, rows

QUOTE = "The night bus leaves at 23:40."
SOURCE = Source(1, "guide/night.md", "c1", "Night\nbus", "", QUOTE, 0.9)


def observed(*, answer: Answer, **more: object) -> Observation:
    question = Question.model_validate({"id": "b-7", "question": "When does it leave?", **more})
    return Observation(question, answer, (), 0.5, (), (), None, 0.1, {"similarity": 0.71234567})


ANSWERED = Answer(f"{QUOTE} [1]\n\n| stop | time |", Outcome.ANSWERED, 0.83, (SOURCE,))
TICKET = Answer("A person will answer.", Outcome.HANDED_OFF, 0.2)


def test_a_row_holds_what_is_judged_and_no_text_of_a_document() -> None:
    (row,) = rows("bus", [observed(answer=ANSWERED)])
    assert row == JudgedAnswer(
        product="bus", id="b-7", question="When does it leave?", page="guide/night.md", outcome=Outcome.ANSWERED,
        confidence=0.83, features={"similarity": 0.712346},
    )  # fmt: skip
    assert QUOTE not in row.model_dump_json()


def test_an_answer_that_cites_nothing_has_no_page() -> None:
    assert rows("bus", [observed(answer=TICKET)])[0].page is None


def test_a_reader_sees_the_conversation_the_answer_its_sources_and_what_was_expected() -> None:
    before = (Said(role="user", content="Is there a\nnight bus?"), Said(role="agent", content="Yes."))
    text = markdown("bus", [observed(answer=ANSWERED, history=before, expected="the time")])
    assert "# bus: 1 answers to judge" in text
    assert "correct, partly, wrong, ticket-fair, ticket-unfair" in text
    places = [
        text.index(part)
        for part in (
            "## 1. When does it leave?", "Customer before: Is there a night bus?", "Agent before: Yes.",
            "Row `b-7`, answered, confidence 0.83", f"> {QUOTE} [1]\n>\n> | stop | time |",
            "[1] Night bus, `guide/night.md`", "A whole answer contains: the time",
        )
    ]  # fmt: skip
    assert places == sorted(places)  # what is expected comes last, so that the answer is read without it
