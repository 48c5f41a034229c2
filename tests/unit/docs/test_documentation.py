import re
from pathlib import Path

import pytest
import typer
from prometheus_client import REGISTRY

from support.repository import REPOSITORY
from supportplane_cli.registry import cli
from supportplane_runtime import metrics
from supportplane_runtime.errors import RuntimeFault
from supportplane_runtime.gateway import errors as gateway_errors
from supportplane_runtime.rag.documents.readers import found_formats
from supportplane_runtime.settings import Settings

DOCS = REPOSITORY / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *sorted(REPOSITORY.glob("*.md")), *sorted(REPOSITORY.glob("runbooks/*.md"))]


def page(name: str) -> str:
    return (DOCS / "reference" / name).read_text()


def faults(of: type[RuntimeFault]) -> set[str]:
    return {of.code}.union(*(faults(child) for child in of.__subclasses__()))


def leaves(command: object, path: str = "supportplane") -> dict[str, set[str]]:
    """Flags by command; a group that does something by itself is one, too."""
    flags = {option for each in getattr(command, "params", ()) for option in each.opts if option.startswith("--")}
    own = {path: flags - {"--help"}}
    if subcommands := getattr(command, "commands", None):
        found = own if getattr(command, "invoke_without_command", False) else {}
        for name, each in subcommands.items():
            found |= leaves(each, f"{path} {name}")
        return found
    return own


def test_every_error_code_is_documented() -> None:
    assert gateway_errors
    assert {code for code in faults(RuntimeFault) if f"`{code}`" not in page("errors.md")} == set()


def test_every_metric_is_documented() -> None:
    assert metrics
    names = {
        name
        for family in REGISTRY.collect()
        for name in [family.name + ("_total" if family.type == "counter" else "")]
        if name.startswith("supportplane_")
    }
    assert len(names) > 10
    assert {name for name in names if f"`{name}`" not in page("metrics.md")} == set()


def test_every_format_of_documents_is_named_with_its_suffix_where_pages_list_the_formats() -> None:
    page = (DOCS / "concepts" / "knowledge-base.md").read_text()
    section = page.partition("## File formats a knowledge base reads\n")[2].partition("\n## ")[0]
    assert section
    for each in found_formats():
        assert each.name in section
        assert f"`{each.suffixes[0]}`" in section


def test_every_setting_is_documented() -> None:
    """On the page of settings, or on a page of its own subject."""
    names = {f"SUPPORTPLANE_{name.upper()}" for name in Settings.model_fields}
    text = "".join(each.read_text() for each in DOCS.rglob("*.md") if "adr" not in each.parts)
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_command_has_a_section_and_no_flag_is_made_up() -> None:
    commands = leaves(typer.main.get_command(cli))
    text = page("cli.md")
    assert {name for name in commands if f"## {name}\n" not in text} == set()
    known = set().union(*commands.values())
    written = {flag for each in PAGES if "adr" not in each.parts for flag in supportplane_flags(each.read_text())}
    assert written - known == set()


def supportplane_flags(text: str) -> set[str]:
    """Flags in code that begins with `supportplane`."""
    code = re.findall(r"`supportplane [^`]*`", text)
    return {flag for each in code for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*", each)}


def test_commands_that_pages_tell_to_type_exist() -> None:
    commands = leaves(typer.main.get_command(cli))
    first = {name.split()[1] for name in commands}
    told = {word for each in PAGES for word in re.findall(r"`(?:\.venv/bin/)?supportplane ([a-z]+)", each.read_text())}
    assert told - first == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    prose = re.sub(r"`[^`\n]+`", "", path.read_text())  # what stands in code is an example, no link
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", prose)
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_file_that_the_architecture_names_exists() -> None:
    rows = re.findall(r"^\| [^|]* \| (.*) \|$", (REPOSITORY / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:py|json))`", row)]
    roots = (REPOSITORY, REPOSITORY / "runtime/supportplane_runtime")
    siblings = (REPOSITORY / "crds/supportplane_crds", *roots, roots[1] / "gateway/api/page/static")
    assert len(names) > 40
    assert [name for name in names if not any((root / name).exists() for root in siblings)] == []
