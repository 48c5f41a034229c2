"""What `up` says once the agent answers: where it is, where the key lies, and one command that works when pasted."""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from supportplane_cli.paths import DataDir, find_data_dir
from supportplane_cli.supervisor.parts import Embedded
from supportplane_cli.supervisor.plan import Plan

SAMPLE_QUESTION = "How do I rotate an API key?"


def curl(url: str, key_file: Path) -> str:
    """A question as one shell line that reads the key from its file, so that no history holds it."""
    body = json.dumps({"query": SAMPLE_QUESTION, "user_id": "me"})
    reading = f'"Authorization: Bearer $(cat {shlex.quote(str(key_file))})"'
    return f"curl -s {url}/api/v1/query -H {reading} -H 'Content-Type: application/json' -d {shlex.quote(body)}"


def program() -> str:
    """How this command line is called from here: by its name when that is on PATH, else by its path."""
    started = Path(sys.argv[0]).resolve()
    found = shutil.which("supportplane")
    if started.stem != "supportplane" or (found and Path(found).resolve() == started):
        return "supportplane"
    here = Path.cwd()
    return shlex.quote(str(started.relative_to(here) if started.is_relative_to(here) else started))


def option(data: DataDir) -> str:
    """What a pasted command needs to find this agent: nothing where it looks by itself, and else the data directory."""
    return "" if find_data_dir(None) == data else f" --data-dir {shlex.quote(str(data.root))}"


def greeting(plan: Plan, embedded: Embedded, *, key: str, link: str, seconds: float) -> list[str]:
    """Lines for people. Secrets stand in them only when a terminal shows them, never in a log or a pipe."""
    shown = sys.stdout.isatty()
    called = f"`{program()} link{option(plan.data)}`"
    once = f"              signs one browser in, once, within 15 minutes; {called} makes another"
    page = [f"  chat page   {link}", once] if shown else [f"  chat page   {plan.url}/  ({called} signs in)"]
    return [
        "",
        f"Supportplane answers at {plan.url}/  (ready in {seconds:.1f} s)",
        "",
        *page,
        f"  API key     {plan.data.api_key}" + (f"  ({key})" if shown else ""),
        f'  terminal    {program()} ask{option(plan.data)} "{SAMPLE_QUESTION}"',
        "  try it      " + curl(plan.url, plan.data.api_key),
        *offered(plan, embedded),
        *without_effect(plan),
        "",
        f"Ctrl-C stops everything and keeps the data in {plan.data.root}",
    ]


def without_effect(plan: Plan) -> list[str]:
    """One line about what the file says to clusters only."""
    return [f"  no effect   {', '.join(plan.without_effect)}: for clusters only"] if plan.without_effect else []


def offered(plan: Plan, embedded: Embedded) -> list[str]:
    """The embedded parts on the --listen address; their passwords stay in their files."""
    if plan.listen is None:
        return []
    folder = plan.data.passwords
    lines = []
    if embedded.postgres is not None:
        place = f"{plan.listen}:{embedded.postgres.port}"
        lines.append(f"  PostgreSQL  postgresql://supportplane@{place}/supportplane  password in {folder / 'postgres'}")
    if embedded.redis is not None:
        lines.append(f"  Redis       redis://{plan.listen}:{embedded.redis.port}/0  password in {folder / 'redis'}")
    if embedded.model is not None:
        lines.append(f"  model       http://{plan.listen}:{embedded.model.port}/v1  key in {folder / 'model'}")
    return lines


def not_refreshed_block(problems: Sequence[Mapping[str, str]]) -> list[str]:
    """What could not be read and what to do; nothing when all was."""
    if not problems:
        return []
    return [
        "",
        "Not all documents could be refreshed; the agent goes on with those it has:",
        *(f"  {each['knowledge_base']}: {each['reason']}" for each in problems),
        f"  Mend that and run `{program()} ingest`; until then `{program()} status` says that the agent is degraded.",
    ]


def ready_facts(
    plan: Plan, seconds: float, steps: dict[str, float], problems: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """The same for machines, with the seconds each step took. problems: what could not be refreshed."""
    return {
        "url": plan.url,
        "api_key_file": str(plan.data.api_key),
        "data_dir": str(plan.data.root),
        "seconds": seconds,
        "steps": steps,
        "without_effect": list(plan.without_effect),
        "not_refreshed": list(problems),
    }
