"""An alert, its runbook and its test have one name; what an alert says is whole, and what it asks for is there."""

import json
import re
from pathlib import Path

import pytest

from support.operator import alert_files
from support.repository import REPOSITORY
from supportplane_operator.render import prometheus_rule

SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation"]
FILES = alert_files.every_file()
every_alert = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def minutes(text: str) -> int:
    return int(text.removesuffix("m"))


def test_alerts_runbooks_and_tests_have_the_same_names() -> None:
    names = [path.stem for path in FILES]
    assert len(names) == len(set(names)) >= 19
    assert {path.stem for path in alert_files.RUNBOOKS.glob("Supportplane*.md")} == set(names)
    assert {path.stem for path in alert_files.CASES.iterdir()} == set(names)


@every_alert
def test_an_alert_is_called_as_its_file_and_says_what_customers_feel_and_how_bad_it_is(path: Path) -> None:
    alert = alert_files.read(path)
    assert alert["alert"] == path.stem
    assert set(alert) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert set(alert["labels"]) == {"severity"}
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert set(alert["annotations"]) == {"summary"}
    assert alert["annotations"]["summary"].endswith(".")
    assert prometheus_rule.SERIES in alert["expr"]


@every_alert
def test_a_runbook_has_every_section_and_commands_to_paste(path: Path) -> None:
    title, *sections = (alert_files.RUNBOOKS / f"{path.stem}.md").read_text(encoding="utf-8").split("\n## ")
    assert title.strip() == f"# {path.stem}"
    texts = dict(section.split("\n", 1) for section in sections)
    assert list(texts) == SECTIONS
    assert all(text.strip() for text in texts.values())
    assert "```sh\n" in texts["Diagnosis"]


@every_alert
def test_a_command_of_a_runbook_names_only_what_the_runbook_had_one_write_before(path: Path) -> None:
    """A word in capitals that is no variable would be pasted as it is."""
    text = (alert_files.RUNBOOKS / f"{path.stem}.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    written = set(re.findall(r"\b([A-Z_]+)=", commands))
    assert set(re.findall(r"\$([A-Z_]+)", commands)) <= written


@every_alert
def test_the_edges_of_an_alert_are_one_minute_apart(path: Path) -> None:
    case = alert_files.edges(path)
    assert minutes(case.fires) == minutes(case.silent) + 1


def test_the_operator_has_the_alerts_of_agents_as_the_files_have_them() -> None:
    copied = json.loads((REPOSITORY / "operator/supportplane_operator/render/alerts.json").read_text())
    assert copied == [alert_files.read(path) for path in alert_files.files("agent")]
    assert list(prometheus_rule.alerts()) == copied
