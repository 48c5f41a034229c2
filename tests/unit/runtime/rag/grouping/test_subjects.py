import math

import numpy as np

from supportplane_runtime.rag.grouping.subjects import EmbeddedQuestion, subjects


def question(
    text: str, degrees: float | None = None, *, embedder: str = "one", unrelated: float = 0.0
) -> EmbeddedQuestion:
    if degrees is None:
        return EmbeddedQuestion(text)
    turn = math.radians(degrees)
    return EmbeddedQuestion(text, embedder, unrelated, np.array([math.cos(turn), math.sin(turn)], "<f4").tobytes())


def test_questions_that_mean_the_same_are_one_subject_with_the_central_one_first() -> None:
    found = subjects([question("a", 0), question("b", 150), question("c", 40), question("d", 20)])
    assert found == [[3, 0, 2], [1]]


def test_equal_questions_are_together_and_count_each() -> None:
    asked = [question("Can I pay?", 0), question("can  I PAY", 0), question("Can I pay!", 0), question("cheques", 40)]
    assert subjects(asked) == [[0, 1, 2, 3]]
    assert subjects([*asked[:1], question("x", 20), question("y", 40)])[0][0] == 1


def test_a_question_that_is_not_embedded_stands_alone_unless_an_equal_one_is() -> None:
    found = subjects(
        [question("Can I pay?"), question("cheques", 10), question("What now?"), question("can I pay", 20)]
    )
    assert sorted(sorted(each) for each in found) == [[0, 1, 3], [2]]


def test_vectors_of_different_embedders_are_not_compared() -> None:
    assert subjects([question("a", 0), question("b", 0, embedder="two")]) == [[0], [1]]


def test_an_embedder_for_which_everything_is_near_asks_for_more() -> None:
    pair = [0, 50]  # a cosine of 0.64
    assert len(subjects([question(str(each), each) for each in pair])) == 1
    assert len(subjects([question(str(each), each, unrelated=0.78) for each in pair])) == 2


def test_no_question_has_no_subject() -> None:
    assert subjects([]) == []
