"""`supportplane ingest`: read the documents of the running agent again; only what changed is worked on."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from supportplane_cli.console import emit, say
from supportplane_cli.errors import CommandFailed, PartFailed
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import find_data_dir
from supportplane_cli.state import running_state

if TYPE_CHECKING:
    from supportplane_cli.supervisor.ingestion import Ingestion, IngestOutcome
    from supportplane_cli.supervisor.report import Reporter
    from supportplane_crds import AgentFile

EPILOG = """Examples:

  supportplane ingest

  supportplane ingest --json

Every file that is left out is named with its reason. Exit code 6 means that a source or a knowledge base could not be
read at all; what was indexed of it before stays.
"""
POLL_S = 0.05


def ingest(data_dir: DataDirOption = None, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Read the knowledge bases again: new and changed documents are added, deleted ones removed."""
    data = find_data_dir(data_dir)
    state = running_state(data)
    if dry_run:
        describe(state.agent_file)
        return
    from supportplane_cli.supervisor.credentials import keep_failures
    from supportplane_cli.supervisor.ingestion import Ingestion, not_refreshed
    from supportplane_cli.supervisor.report import Clock, SilentReporter, make_reporter

    report = SilentReporter() if as_json else make_reporter(Clock(), as_json=False)
    bases = [base.name for base in agent_of(state.agent_file).knowledge_bases]
    run = Ingestion(state.environment, data.log("knowledge"), bases)
    try:
        with report:
            outcomes = follow(run, report)
    finally:
        run.stop()
    keep_failures(state.tenant, state.database_url, run.untold())
    problems = not_refreshed(outcomes)
    if as_json:
        emit([asdict(outcome) for outcome in outcomes])
        if problems:
            raise SystemExit(PartFailed.exit_code)
    if problems:
        reasons = "\n  ".join(f"{each['knowledge_base']}: {each['reason']}" for each in problems)
        raise PartFailed(f"Not all documents could be refreshed:\n  {reasons}", hint="supportplane logs knowledge")


def follow(run: "Ingestion", report: "Reporter") -> "list[IngestOutcome]":
    """Until it has ended: how each knowledge base fared."""
    from supportplane_cli.supervisor.ingestion import sentence, show

    report.started("documents")
    while not run.is_finished:
        show(run.poll(), report)
        time.sleep(POLL_S)
    outcomes = [*run.outcomes, *run.untold()]
    report.finished("documents", "; ".join(map(sentence, outcomes)))
    return outcomes


def agent_of(agent_file: str) -> "AgentFile":
    """As the file is now: it may have changed since the agent was started. Sources may be gone."""
    from supportplane_crds import InvalidAgentFile, load_agent_file

    try:
        return load_agent_file(Path(agent_file), check_sources=False)
    except InvalidAgentFile as error:
        raise CommandFailed(str(error), hint=f"supportplane validate -f {agent_file}") from error


def describe(agent_file: str) -> None:
    """What would be read."""
    agent = agent_of(agent_file)
    for base in agent.knowledge_bases:
        places = ", ".join(str(agent.source_path(source)) for source in base.spec.sources)
        say(f"Would read {base.name}: {places}")
