import json
from pathlib import Path

from typer.testing import CliRunner

from supportplane_cli.errors import WrongUsage
from supportplane_cli.registry import cli

PASSAGE = "The night bus leaves at 23:40 from platform two. Tickets are sold on board."
CLAIMS = [
    ("The night bus leaves at 23:40 from platform two.", True, "near_verbatim"),
    ("The night bus leaves at 22:40 from platform two.", False, "number"),
]


def claims(folder: Path) -> Path:
    path = folder / "bus.jsonl"
    rows = ({"id": n, "passage": PASSAGE, "claim": c, "supported": s, "kind": k} for n, (c, s, k) in enumerate(CLAIMS))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_claims_are_measured_without_an_agent_or_a_database(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["eval", "--claims", str(claims(tmp_path)), "--json"])
    assert result.exit_code == 0
    (found,) = json.loads(result.output)["sets"]
    assert (found["kind"], found["name"]) == ("claims", "bus")
    values = {figure["key"]: figure["value"] for figure in found["figures"]}
    assert (values["rules.true"], values["rules.false"]) == (1.0, 0.0)


def test_a_run_that_measures_nothing_says_what_can_be_measured() -> None:
    result = CliRunner().invoke(cli, ["eval"])
    assert isinstance(result.exception, WrongUsage)
    assert "--claims FILE" in result.exception.message


def test_a_mistake_in_a_claims_file_is_wrong_usage_that_names_the_line(tmp_path: Path) -> None:
    path = claims(tmp_path)
    path.write_text(path.read_text() + "{}\n")
    result = CliRunner().invoke(cli, ["eval", "--claims", str(path)])
    assert isinstance(result.exception, WrongUsage)
    assert "bus.jsonl:3: id" in result.exception.message
