"""What pages name exists, and with the value that they give: the other direction of test_documentation.py."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from prometheus_client import REGISTRY
from pydantic import SecretStr
from ruamel.yaml import YAML

from support.repository import REPOSITORY
from supportplane_cli import errors
from supportplane_cli.commands.promote import TOKEN_VARIABLE
from supportplane_cli.paths import DataDir
from supportplane_cli.registry import cli
from supportplane_operator.metrics import Metrics
from supportplane_operator.settings import Settings as OperatorSettings
from supportplane_runtime import metrics
from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.gateway import errors as gateway_errors
from supportplane_runtime.gateway import server
from supportplane_runtime.gateway.api.conversations.endpoints import router as conversations
from supportplane_runtime.gateway.api.feedback.endpoints import router as feedback
from supportplane_runtime.gateway.api.gaps.endpoints import router as gaps
from supportplane_runtime.gateway.api.health.endpoints import router as health
from supportplane_runtime.gateway.api.page.endpoints import router as page_router
from supportplane_runtime.gateway.api.query.endpoints import router as query
from supportplane_runtime.gateway.api.sessions.endpoints import router as sessions
from supportplane_runtime.gateway.api.status.endpoints import router as status
from supportplane_runtime.gateway.api.tickets.endpoints import router as tickets
from supportplane_runtime.gateway.identity.sessions import SESSION_COOKIE
from supportplane_runtime.settings import Settings

DOCS = REPOSITORY / "docs"
# A decision tells what was so when it was made.
PAGES = [
    *(each for each in sorted(DOCS.rglob("*.md")) if "adr" not in each.parts),
    *sorted(REPOSITORY.glob("*.md")),
    *sorted(REPOSITORY.glob("runbooks/*.md")),
]
ROUTERS = (conversations, feedback, gaps, health, page_router, query, sessions, status, tickets)
SETTINGS = {
    **{f"SUPPORTPLANE_{name.upper()}": field for name, field in Settings.model_fields.items()},
    **{f"SUPPORTPLANE_OPERATOR_{name.upper()}": field for name, field in OperatorSettings.model_fields.items()},
}
FOR_TESTS = {"SUPPORTPLANE_SHARED"}  # CONTRIBUTING.md: read by tests alone
OF_COMMANDS = {TOKEN_VARIABLE}
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))


def routes() -> set[str]:
    """As `GET /api/v1/turns/{}`."""
    found = ((route.path, getattr(route, "methods", {"GET"})) for router in ROUTERS for route in router.routes)  # type: ignore[attr-defined]
    return {f"{method} {re.sub(r'{[^}]*}', '{}', path)}" for path, methods in found for method in methods}


def metric_names() -> set[str]:
    assert metrics
    families = [*REGISTRY.collect(), *Metrics().registry.collect()]
    return {family.name + ("_total" if family.type == "counter" else "") for family in families}


def anchors(path: Path) -> set[str]:
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def branches(of: type[Exception]) -> Iterator[Any]:
    yield of
    for child in of.__subclasses__():
        yield from branches(child)


@pages
def test_a_variable_that_a_page_names_is_read(page: Path) -> None:
    named = set(re.findall(r"(?<!\$)SUPPORTPLANE_[A-Z_]*[A-Z]", page.read_text()))  # $...: the shell's own
    assert named - set(SETTINGS) - FOR_TESTS - OF_COMMANDS == set()


@pages
def test_a_metric_that_a_page_names_is_set(page: Path) -> None:
    named = set(re.findall(r"`(supportplane_\w+)(?:\{[^`]*\})?`", page.read_text()))
    assert named - metric_names() - {"supportplane_crds", SESSION_COOKIE} == set()


@pages
def test_an_endpoint_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`(GET|POST|PUT|DELETE|PATCH) (/[\w/{}.-]*)", page.read_text())
    assert {f"{method} {re.sub(r'{[^}]*}', '{}', path)}" for method, path in named} - routes() == set()


def test_the_reference_of_the_api_has_every_endpoint() -> None:
    named = re.findall(r"`(GET|POST|PUT|DELETE|PATCH) (/[\w/{}.-]*)`", (DOCS / "reference/http-api.md").read_text())
    told = {f"{method} {re.sub(r'{[^}]*}', '{}', path)}" for method, path in named}
    there = {each for each in routes() if "/api/" in each and not each.startswith("HEAD ")}
    assert there - {"GET /api/v1/stream"} - told == set()


@pages
def test_a_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", page.read_text())
    assert [(to, anchor) for to, anchor in links if anchor not in anchors((page.parent / to) if to else page)] == []


@pages
def test_a_chart_value_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text().replace("\\.", "~")  # a dot in a label's name
    named = re.findall(r"--set '?([A-Za-z][\w.]*[A-Za-z])", text) + re.findall(r"chart values? `([\w.]+)", text)
    chart = YAML(typ="safe", pure=True).load(REPOSITORY / "operator/chart/values.yaml")
    assert [name for name in named if not has_value(chart, name.split("."))] == []


def has_value(values: Any, steps: list[str]) -> bool:
    """An empty mapping takes any key."""
    if not steps or values == {}:
        return True
    return isinstance(values, dict) and steps[0] in values and has_value(values[steps[0]], steps[1:])


def test_the_page_of_variables_gives_their_defaults() -> None:
    sentences = re.split(r"(?<=[.])\s", (DOCS / "reference/settings.md").read_text())
    given = dict(each for sentence in sentences for each in defaults_in(sentence))
    assert len(given) > 9
    assert {name: value for name, value in given.items() if value != plain(SETTINGS[name].default)} == {}


def defaults_in(sentence: str) -> list[tuple[str, str]]:
    """`A` and `B` are so and so, 1 and 2 by default: the values belong to the variables nearest before them."""
    value = r"(?:`[^`]+`|\d[\d,]*)"
    found = re.search(rf"((?:{value} and )?{value})(?: \w+)? by default", sentence)
    if found is None:
        return []
    values = [each.strip("`").replace(",", "") for each in re.findall(value, found[1])]
    names = re.findall(r"`(SUPPORTPLANE_[A-Z_]+)`", sentence[: found.start()])
    return list(zip(names[-len(values) :], values, strict=True))


def plain(default: Any) -> str:
    shown = default.get_secret_value() if isinstance(default, SecretStr) else default
    return f"{shown:g}" if isinstance(shown, float) else str(shown)


def test_a_variable_of_the_operator_has_the_default_that_its_row_gives() -> None:
    rows = re.findall(
        r"^\| `(SUPPORTPLANE_OPERATOR_\w+)` \| `([^`]*)` \|",
        (DOCS / "reference/operator-settings.md").read_text(),
        re.MULTILINE,
    )
    numbers = {name: value for name, value in rows if re.fullmatch(r"[\d.]+", value)}
    assert len(numbers) > 5
    assert {name: value for name, value in numbers.items() if value != plain(SETTINGS[name].default)} == {}


def test_every_error_of_the_api_has_a_heading_with_its_status() -> None:
    assert gateway_errors
    headings = re.findall(r"^## Error (\d+) ([\w-]+)$", (DOCS / "reference/errors.md").read_text(), re.MULTILINE)
    known = {(fault.code, fault.status_code) for fault in branches(RuntimeFault)}
    # Connections that have not reached the application are refused in the server itself.
    refused = re.findall(r'_refusal\(\s*b"(\d+) [^"]*", b"([\w-]+)"', inspect.getsource(server))
    by_server = {(code, int(status)) for status, code in refused}
    assert {(code, int(status)) for status, code in headings} - known - by_server == set()
    assert {code for code, _ in by_server if f"`{code}`" not in (DOCS / "reference/errors.md").read_text()} == set()


def test_every_exit_code_is_told_and_no_other() -> None:
    text = (
        (DOCS / "reference/cli.md").read_text().partition("## Exit codes of the command line")[2].partition("\n## ")[0]
    )
    codes = {failure.exit_code for failure in branches(errors.CommandFailed)}
    assert {int(code) for code in re.findall(r"(?:^|\. |is )(\d+) (?:is|means|when)", text)} == codes | {0, 130}


def test_everything_in_the_data_directory_is_told() -> None:
    text = (DOCS / "reference/data-directory.md").read_text()
    places = [name for name, member in vars(DataDir).items() if isinstance(member, property)]
    paths = [getattr(DataDir(Path("/data")), name).relative_to("/data").as_posix() for name in places]
    assert [path for path in paths if path != "passwords/visitor-secret" and f"`{path}" not in text] == []


def test_commands_without_json_are_named() -> None:
    text = (
        (DOCS / "reference/cli.md").read_text().partition("## JSON output of the command line")[2].partition("\n## ")[0]
    )
    without = {
        f"supportplane {name}"
        for name, command in typer.main.get_group(cli).commands.items()
        if not hasattr(command, "commands") and "--json" not in [each for one in command.params for each in one.opts]
    }
    assert set(re.findall(r"`(supportplane \w+)`", text)) == without
