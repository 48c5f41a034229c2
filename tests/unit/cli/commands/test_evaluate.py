import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.paths import VARIABLE
from supportplane_cli.registry import cli

PASSAGE = "The night bus leaves at 23:40 from platform two. Tickets are sold on board."
CLAIMS = [
    ("The night bus leaves at 23:40 from platform two.", True, "near_verbatim"),
    ("The night bus leaves at 22:40 from platform two.", False, "number"),
]


@pytest.fixture(autouse=True)
def no_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


def claims(folder: Path, *, times: int = 1) -> Path:
    path = folder / "bus.jsonl"
    rows = (
        {"id": n, "passage": PASSAGE, "claim": c, "supported": s, "kind": k}
        for n, (c, s, k) in enumerate(CLAIMS * times)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["eval", *map(str, arguments)])


def test_claims_are_measured_without_an_agent_or_a_database(tmp_path: Path) -> None:
    result = evaluate("--claims", claims(tmp_path), "--json")
    assert result.exit_code == 0
    (found,) = json.loads(result.stdout)["sets"]
    assert (found["kind"], found["name"]) == ("claims", "bus")
    values = {figure["key"]: figure["value"] for figure in found["figures"]}
    assert (values["rules.true"], values["rules.false"]) == (1.0, 0.0)


def test_a_run_that_measures_nothing_says_what_can_be_measured() -> None:
    result = evaluate()
    assert isinstance(result.exception, WrongUsage)
    assert "--claims FILE" in result.exception.message


def test_a_mistake_in_a_claims_file_is_wrong_usage_that_names_the_line(tmp_path: Path) -> None:
    path = claims(tmp_path)
    path.write_text(path.read_text() + "{}\n")
    result = evaluate("--claims", path)
    assert isinstance(result.exception, WrongUsage)
    assert "bus.jsonl:3: id" in result.exception.message


def spoilt(figures: Path, *, key: str) -> None:
    """As if the last run had been perfect in a figure."""
    run = json.loads(figures.read_text())
    for figure in run["sets"][0]["figures"]:
        if figure["key"] == key:
            figure.update(value=0.0, low=0.0, high=0.01)
    figures.write_text(json.dumps(run))


def test_a_second_run_is_compared_with_the_first(tmp_path: Path) -> None:
    arguments = ("--claims", claims(tmp_path), "--save", tmp_path / "figures.json")
    assert "about the same" not in evaluate(*arguments).stdout
    assert "about the same" in evaluate(*arguments).stdout


def test_a_figure_that_is_worse_than_before_fails_the_run_only_if_asked(tmp_path: Path) -> None:
    path, figures = claims(tmp_path, times=30), tmp_path / "figures.json"
    path.write_text(path.read_text().replace("22:40", "23:40"))  # the false ones are now said by the passage
    assert evaluate("--claims", path, "--save", figures).exit_code == 0
    spoilt(figures, key="rules.false")
    kept = figures.read_text()
    lenient = evaluate("--claims", path, "--against", figures)
    assert (lenient.exit_code, "worse" in lenient.stdout) == (0, True)
    strict = evaluate("--claims", path, "--against", figures, "--fail-if-worse")
    assert isinstance(strict.exception, CommandFailed)
    assert strict.exception.message == "Worse than before: bus rules.false."
    assert evaluate("--claims", path, "--against", figures, "--fail-if-worse", "--json").exit_code == 1
    assert figures.read_text() == kept  # what a run is held against is not overwritten


def test_other_rows_under_the_same_name_are_not_compared(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    evaluate("--claims", claims(tmp_path), "--save", figures)
    result = evaluate("--claims", claims(tmp_path, times=2), "--save", figures)
    assert "bus is not compared with the run before, which measured other rows." in result.stderr
    assert "about the same" not in result.stdout


def test_figures_are_kept_in_the_data_directory_beside_those_of_other_sets(tmp_path: Path) -> None:
    data = tmp_path / ".supportplane"
    data.mkdir()
    first = claims(tmp_path)
    second = tmp_path / "train.jsonl"
    second.write_text(first.read_text())
    assert evaluate("--claims", first).exit_code == 0
    assert evaluate("--claims", second).exit_code == 0
    found = json.loads((data / "evaluation.json").read_text())
    assert [each["name"] for each in found["sets"]] == ["train", "bus"]


def test_without_a_place_for_figures_none_is_made(tmp_path: Path) -> None:
    result = evaluate("--claims", claims(tmp_path))
    assert "--save FILE keeps them" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bus.jsonl"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{broken", "holds no figures of an evaluation"),
        ('{"schema": 2}', "in the format 2, this release reads the format 1"),
    ],
)
def test_a_file_that_is_no_run_is_named_and_left_alone(tmp_path: Path, content: str, message: str) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(content)
    result = evaluate("--claims", claims(tmp_path), "--save", figures)
    assert isinstance(result.exception, WrongUsage)
    assert message in result.exception.message
    assert figures.read_text() == content


def test_a_file_to_compare_with_must_be_there(tmp_path: Path) -> None:
    result = evaluate("--claims", claims(tmp_path), "--against", tmp_path / "none.json")
    assert isinstance(result.exception, CommandFailed)
    assert "none.json cannot be read: No such file" in result.exception.message


def test_judged_answers_have_a_table_for_each_product(tmp_path: Path) -> None:
    rows = [
        {"product": product, "question": "How?", "confidence": 0.5 + n / 10, "verdict": verdict}
        for product in ("shop", "bank")
        for n, verdict in enumerate(("wrong", "partly", "correct"))
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = evaluate("--judged", path).stdout
    assert "shop: 3 judged, 3 answers, 0 without a verdict" in output
    mean = next(line.split() for line in output.splitlines() if line.strip().startswith("mean"))
    assert mean[1:4] == ["0.333", "0.333", "0.333"]


QUESTIONS = '{"id": "1", "question": "When does the bus leave?"}\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--file", "agent.yaml"), "--file and --questions belong together"),
        (("--questions", "q.jsonl"), "--file and --questions belong together"),
        (("--claims", "bus.jsonl", "--part", "kept"), "--part and --transcript need questions"),
        (("--file", "agent.yaml", "--questions", "q.jsonl"), "agent.yaml"),
        (("--data", "bus", "--transcript", "answers.txt"), "must end in .jsonl"),
        (("--data", "bus", "--transcript", "bus.jsonl"), "is there already and may hold verdicts"),
        (("--data", "bus", "--transcript", "none/answers.jsonl"), "is not a folder"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_starts(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    claims(tmp_path)
    folder = tmp_path / "bus"
    folder.mkdir()
    (folder / "kb.jsonl").write_text('{"id": "a", "text": "A."}\n')
    (folder / "questions.jsonl").write_text(QUESTIONS)
    (tmp_path / "q.jsonl").write_text(QUESTIONS)
    result = evaluate(*arguments)
    assert isinstance(result.exception, WrongUsage)
    assert message in result.exception.message
