"""`supportplane validate`: is an agent file right, and if not, where is it wrong and what is allowed there."""

from typing import Any

from supportplane_cli.console import emit, say
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import AgentFileOption, JsonOption

EPILOG = """Examples:

  supportplane validate -f agent.yaml

  supportplane validate -f agent.yaml --json

Exit code 1 means that the file is wrong.
"""


def validate(file: AgentFileOption, as_json: JsonOption = False) -> None:
    """Check an agent file without starting anything: fields, values, references, and that its documents are there."""
    from supportplane_crds import InvalidAgentFile, load_agent_file

    try:
        agent = load_agent_file(file)
    except InvalidAgentFile as error:
        if not as_json:
            raise CommandFailed(str(error)) from error
        emit({"valid": False, "file": str(file), "problems": [describe(problem) for problem in error.problems]})
        raise SystemExit(CommandFailed.exit_code) from error
    name, purpose = agent.agent.name, agent.agent.spec.description
    bases = sorted(base.name for base in agent.knowledge_bases)
    if as_json:
        emit({"valid": True, "file": str(file), "agent": name, "description": purpose, "knowledge_bases": bases})
    else:
        named = f"{name} ({purpose})" if purpose else name
        say(f"{file} is valid: agent {named}, knowledge bases: {', '.join(bases) or 'none'}")


def describe(problem: Any) -> dict[str, Any]:
    names = ("message", "path", "line", "column", "document", "allowed", "suggestion")
    return {name: getattr(problem, name) for name in names}
