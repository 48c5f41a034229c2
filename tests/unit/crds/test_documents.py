"""YAML as the contract reads it: lines are known, surprises are refused, growth is bounded."""

import pytest

from supportplane_crds.documents import MAX_DEPTH, MAX_NODES, Unreadable, read_documents, render_path


def test_values_and_their_lines_are_known() -> None:
    (document,) = read_documents("a:\n  b:\n  - c: 1\n  - c: 'x'\n")
    assert document.values == {"a": {"b": [{"c": 1}, {"c": "x"}]}}
    assert document.position(("a", "b", 1, "c")).line == 4
    assert document.position(("a", "b", 1, "c")).column == 5
    assert document.problems == ()


def test_a_missing_field_is_placed_at_the_object_around_it() -> None:
    (document,) = read_documents("a:\n  b: 1\n")
    assert document.position(("a", "missing", 3)).line == 1


def test_documents_are_separate_and_empty_ones_are_left_out() -> None:
    documents = read_documents("---\na: 1\n---\n---\nb: 2\n---\n# only a comment\n")
    assert [document.values for document in documents] == [{"a": 1}, {"b": 2}]
    assert documents[1].position(("b",)).line == 5


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("45s", "45s"),
        ("'no'", "no"),
        ('"on"', "on"),
        ("Norway", "Norway"),
        ("2026-01-01", "2026-01-01"),
        ("|\n  two\n  lines", "two\nlines\n"),
        ("ä", "ä"),
    ],
)
def test_scalars_mean_what_every_reader_takes_them_for(text: str, value: object) -> None:
    (document,) = read_documents(f"a: {text}\n")
    assert document.values == {"a": value}
    assert type(document.values["a"]) is type(value)
    assert not document.problems


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no", "no without quotes is a boolean to some YAML readers"),
        ("On", "On without quotes is a boolean"),
        ("y", "y without quotes is a boolean"),
        ("", "has no value"),
        ("~", "has no value"),
        ("null", "has no value"),
        ("010", "010 is not read as the same number everywhere"),
        ("0x10", "0x10 is not read as the same number everywhere"),
        ("1_000", "1_000 is not read as the same number everywhere"),
        ("9" * 5000, "is not read as the same number everywhere"),
        (".nan", ".nan is not a number"),
        (".inf", ".inf is not a number"),
        ("1e999", "1e999 is not a number"),
        (r'"\ud800"', "half of a surrogate pair"),
    ],
)
def test_scalars_that_readers_take_for_different_things_are_refused(text: str, sentence: str) -> None:
    (document,) = read_documents(f"x: 1\na: {text}\n")
    (problem,) = document.problems
    assert sentence in problem.message
    assert (problem.path, problem.line) == ("a", 2)


@pytest.mark.parametrize(
    ("text", "sentence", "path"),
    [
        ("a:\n  b: 1\n  b: 2\n", "stands here twice; the first is in line 2", "a.b"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys (<<) are not allowed", "c"),
        ("1: x\n", "a field's name must be text", ""),
        ("[a]: x\n", "a field's name must be text", ""),
        ("true: x\n", "a field's name must be text", ""),
    ],
)
def test_keys_that_mislead_are_refused(text: str, sentence: str, path: str) -> None:
    (document,) = read_documents(text)
    assert [(sentence in problem.message, problem.path) for problem in document.problems] == [(True, path)]


@pytest.mark.parametrize(
    ("text", "sentence", "line"),
    [
        ("a: [1, 2\nb: 3\n", "not valid YAML", 2),
        ("a: 'never closed\n", "not valid YAML", 2),
        ("a: *nowhere\n", "undefined alias", 1),
        ("a:\n\tb: 1\n", "not valid YAML", 2),
        ("a: 1\n\x07b: 2\n", "a character that YAML does not allow", 2),
        ("ok: 1\na: !!python/object:os.system x\n", "tags (!name) are not allowed", 2),
        ("a: !Ref x\n", "tags (!name) are not allowed", 1),
        ("a: !!str 5\n", "tags (!name) are not allowed", 1),
        ("a: !secret [x]\n", "tags (!name) are not allowed", 1),
        ("%YAML 9.9\n---\na: 1\n", "not valid YAML", 1),
    ],
)
def test_a_text_that_is_no_yaml_is_refused_with_its_line(text: str, sentence: str, line: int) -> None:
    with pytest.raises(Unreadable) as refusal:
        read_documents(text)
    assert sentence in refusal.value.problem.message
    assert refusal.value.problem.line == line


def test_an_alias_stands_for_its_value() -> None:
    (document,) = read_documents("a: &x [1, 2]\nb: *x\n")
    assert document.values == {"a": [1, 2], "b": [1, 2]}


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Unreadable, match="aliases"):
        read_documents("\n".join(lines))


def test_aliases_are_counted_over_all_documents() -> None:
    one = "a: &a [" + ", ".join(["x"] * 900) + "]\nb: *a\nc: *a\nd: *a\ne: *a\n"
    with pytest.raises(Unreadable, match="aliases"):
        read_documents("---\n".join([one] * 3))


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(Unreadable):
        read_documents("a: &a [*a]\n")


def test_depth_is_bounded() -> None:
    with pytest.raises(Unreadable, match="nested more than"):
        read_documents("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    with pytest.raises(Unreadable, match="nested more than"):
        read_documents("[" * 100_000)


def test_the_number_of_values_is_bounded() -> None:
    with pytest.raises(Unreadable, match="more than"):
        read_documents("- x\n" * (MAX_NODES + 1))


def test_a_path_is_written_as_people_write_it() -> None:
    assert render_path(("spec", "knowledge", 0, "name")) == "spec.knowledge[0].name"
    assert render_path(()) == ""
