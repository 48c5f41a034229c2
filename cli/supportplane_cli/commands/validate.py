"""`supportplane validate`: is an agent file right, and if not, where is it wrong and what is allowed there."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from supportplane_cli.console import emit, say
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import AgentFileOption, JsonOption
from supportplane_cli.supervisor.ingestion import unselected_line

if TYPE_CHECKING:
    from supportplane_crds import AgentFile, KnowledgeBase
    from supportplane_crds.errors import Problem
    from supportplane_runtime.rag.documents.sources import SourcesRead

EPILOG = """Examples:

  supportplane validate -f agent.yaml

  supportplane validate -f agent.yaml --json

The documents are read as `up` reads them, and nothing is stored. Exit code 1 means that the file is wrong, or that one
of its sources gives no document: it is not there, no pattern selects a file, or no selected file can be read.
"""


def validate(file: AgentFileOption, as_json: JsonOption = False) -> None:
    """Check an agent file without starting anything: fields, values, references, and that its documents are there."""
    from supportplane_crds import InvalidAgentFile, load_agent_file

    try:
        agent = load_agent_file(file)
        found = {base.name: documents_of(agent, base) for base in agent.knowledge_bases}
    except InvalidAgentFile as error:
        if not as_json:
            raise CommandFailed(str(error)) from error
        emit({"valid": False, "file": str(file), "problems": [describe(problem) for problem in error.problems]})
        raise SystemExit(CommandFailed.exit_code) from error
    name, purpose = agent.agent.name, agent.agent.spec.description
    bases = sorted(found)
    if as_json:
        facts = {"valid": True, "file": str(file), "agent": name, "description": purpose, "knowledge_bases": bases}
        emit({**facts, "left_out": left_out(found)})
        return
    named = f"{name} ({purpose})" if purpose else name
    say(f"{file} is valid: agent {named}, knowledge bases: {', '.join(bases) or 'none'}")
    for line in remarks_on(found):
        say(line)


def documents_of(agent: "AgentFile", base: "KnowledgeBase") -> "SourcesRead | None":
    """What its sources hold; None for those of a cluster. Raises InvalidAgentFile for a source without a document."""
    from supportplane_crds import InvalidAgentFile
    from supportplane_runtime.rag.documents.sources import read_sources

    if any(source.path is None for source in base.spec.sources):
        return None
    found = read_sources(base.spec, agent.path.parent)
    problems = list(problems_of(base, found))
    if problems:
        raise InvalidAgentFile(agent.path, problems)
    return found


def problems_of(base: "KnowledgeBase", found: "SourcesRead") -> "Iterator[Problem]":
    """Of each source that gives no document."""
    from supportplane_crds.errors import Problem

    unread = {each.source: each.reason for each in found.unread}
    for index, source in enumerate(base.spec.sources):
        reason = unread.get(source.name)
        beginning = f"{source.name}/"
        if reason is None and not any(each.document_id.startswith(beginning) for each in found.reading.documents):
            skipped = [each for each in found.reading.skipped if each.name.startswith(beginning)]
            reason = "no file can be read: " + "; ".join(f"{each.name} {each.reason}" for each in skipped[:3])
        if reason is not None:
            yield Problem(reason, path=f"spec.sources[{index}]", document=f"KnowledgeBase/{base.name}")


def left_out(found: "dict[str, SourcesRead | None]") -> list[dict[str, Any]]:
    """Of each knowledge base that was read: files that cannot be read, and files that no pattern selects."""
    return [
        {
            "knowledge_base": name,
            "skipped": [asdict(each) for each in read.reading.skipped],
            "unselected": [asdict(each) for each in read.unselected],
        }
        for name, read in found.items()
        if read is not None
    ]


def remarks_on(found: "dict[str, SourcesRead | None]") -> Iterator[str]:
    for facts in left_out(found):
        for each in facts["skipped"]:
            yield f"  left out {each['name']} {each['reason']}"
        for each in facts["unselected"]:
            yield f"  {unselected_line(facts['knowledge_base'], each)}"


def describe(problem: Any) -> dict[str, Any]:
    names = ("message", "path", "line", "column", "document", "allowed", "suggestion")
    return {name: getattr(problem, name) for name in names}
