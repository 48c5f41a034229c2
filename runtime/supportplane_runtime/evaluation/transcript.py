"""Observations to what a reader judges: rows for judged.py without a verdict, and the answers to read; pure.

The rows hold no text of the documents, the answers to read are made of nothing else: only the rows are to be kept. The
command line writes both.
"""

from collections.abc import Iterator, Sequence

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.evaluation.asking import Observation
from supportplane_runtime.evaluation.judged import JudgedAnswer, Verdict


def rows(product: str, observations: Sequence[Observation]) -> list[JudgedAnswer]:
    return [
        JudgedAnswer(
            product=product,
            id=each.question.id,
            question=each.question.question,
            page=each.answer.sources[0].document_id if each.answer.sources else None,
            outcome=each.answer.outcome,
            confidence=each.answer.confidence,
            features={name: round(value, 6) for name, value in each.features.items()},
        )
        for each in observations
    ]


def markdown(product: str, observations: Sequence[Observation]) -> str:
    """Question, what a whole answer must contain if that is known, and the answer with its sources."""
    head = (
        f"# {product}: {len(observations)} answers to judge\n\n"
        f"Set in the rows beside this file `verdict` to {', '.join(Verdict)}, and `needless` to the share that nobody "
        "needed. This file holds text of the documents.\n"
    )
    return "\n".join([head, *(_entry(number, each) for number, each in enumerate(observations, start=1))])


def _entry(number: int, observed: Observation) -> str:
    question, answer = observed.question, observed.answer
    parts = [f"## {number}. {_one_line(question.question)}"]
    parts += [
        f"{'Customer' if said.is_users else 'Agent'} before: {_one_line(said.content)}" for said in question.history
    ]
    if question.id:
        parts.append(f"Row `{question.id}`, {answer.outcome}, confidence {answer.confidence:.2f}")
    parts.append(_quoted(answer.response))
    parts += _sources(answer)
    expected = question.expected or question.reference_answer
    if expected:
        parts.append(f"A whole answer contains: {_one_line(expected)}")
    return "\n\n".join(parts) + "\n"


def _sources(answer: Answer) -> Iterator[str]:
    for source in answer.sources:
        yield f"[{source.marker}] {_one_line(source.title) or 'without a title'}, `{source.document_id}`"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _one_line(text: str) -> str:
    return " ".join(text.split())
