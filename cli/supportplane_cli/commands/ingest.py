"""`supportplane ingest`: read the documents of the running agent again; only what changed is worked on."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from supportplane_cli.console import emit, say
from supportplane_cli.errors import CommandFailed
from supportplane_cli.options import DataDirOption, DryRunOption, JsonOption
from supportplane_cli.paths import find_data_dir
from supportplane_cli.state import running_state

if TYPE_CHECKING:
    from supportplane_cli.supervisor.ingestion import Ingestion
    from supportplane_cli.supervisor.report import Reporter

EPILOG = """Examples:

  supportplane ingest

  supportplane ingest --json
"""
POLL_S = 0.05


def ingest(data_dir: DataDirOption = None, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Read the knowledge bases again: new and changed documents are added, deleted ones removed."""
    data = find_data_dir(data_dir)
    state = running_state(data)
    if dry_run:
        describe(state.agent_file)
        return
    from supportplane_cli.supervisor.ingestion import Ingestion
    from supportplane_cli.supervisor.report import Clock, SilentReporter, make_reporter

    report = SilentReporter() if as_json else make_reporter(Clock(), as_json=False)
    run = Ingestion(state.environment, data.log("knowledge"))
    try:
        with report:
            follow(run, report)
    finally:
        run.stop()
    if as_json:
        emit([asdict(result) for result in run.results])


def follow(run: "Ingestion", report: "Reporter") -> None:
    """Until it has ended. Raises PartFailed when it ended with an error."""
    from supportplane_cli.supervisor.ingestion import sentence, show

    report.started("documents")
    while not run.is_finished:
        show(run.poll(), report)
        time.sleep(POLL_S)
    report.finished("documents", "; ".join(map(sentence, run.results)))


def describe(agent_file: str) -> None:
    """What would be read."""
    from pathlib import Path

    from supportplane_crds import InvalidAgentFile, load_agent_file

    try:
        agent = load_agent_file(Path(agent_file))
    except InvalidAgentFile as error:
        raise CommandFailed(str(error)) from error
    for base in agent.knowledge_bases:
        places = ", ".join(str(agent.source_path(source)) for source in base.spec.sources)
        say(f"Would read {base.name}: {places}")
