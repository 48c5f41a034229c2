"""Every command and flag that the documentation and the README name exists."""

import re
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from support.repository import REPOSITORY
from supportplane_cli.registry import cli

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CALL = re.compile(r"supportplane (?P<words>[a-z]+(?: [a-z]+)?)(?P<rest>[^`\n|]*)")
FLAG = re.compile(r"(?<!\S)(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])")


def known() -> dict[str, set[str]]:
    """Flags by command, such as "keys create"."""
    group = typer.main.get_command(cli)
    assert isinstance(group, TyperGroup)
    flags: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        members = dict(command.commands) if isinstance(command, TyperGroup) else {}
        if not isinstance(command, TyperGroup) or command.invoke_without_command:
            members[""] = command
        for member, leaf in members.items():
            options = {option for parameter in leaf.params for option in parameter.opts}
            flags[f"{name} {member}".strip()] = options | {"--help", "-h"}
    return flags


KNOWN = known()
# Their own words stand behind a name that is also ours.
OTHER_PROGRAMS = ("docker", "git clone", "helm ")


def calls(page: Path) -> list[tuple[str, list[str]]]:
    """(command, flags) of every code span or code line that calls the program."""
    code = re.findall(r"`([^`\n]*supportplane [^`\n]+)`", page.read_text())
    code += [line for block in re.findall(r"```.*?```", page.read_text(), re.DOTALL) for line in block.splitlines()]
    found = []
    for text in code:
        match = CALL.search(text)
        if match is None or any(other in text for other in OTHER_PROGRAMS):
            continue
        words = match["words"]
        command = words if words in KNOWN or words.split()[0] not in KNOWN else words.split()[0]
        found.append((command, FLAG.findall(match["rest"])))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_what_the_page_tells_to_type_exists(page: Path) -> None:
    wrong = [
        (command, sorted(set(flags) - KNOWN.get(command, set())))
        for command, flags in calls(page)
        if command not in KNOWN or not set(flags) <= KNOWN[command]
    ]
    assert wrong == []


def test_the_search_finds_calls_at_all() -> None:
    assert sum(len(calls(page)) for page in PAGES) > 30
