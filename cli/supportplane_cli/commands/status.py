"""`supportplane status`: what runs, where, since when, and how the agent says its parts are."""

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import Any

from supportplane_cli.console import emit, say, table
from supportplane_cli.options import DataDirOption, JsonOption
from supportplane_cli.paths import DataDir, find_data_dir
from supportplane_cli.readings import facts_of, last_readings, lines_of
from supportplane_cli.state import PartState, State, running_state

EPILOG = """Examples:

  supportplane status

  supportplane status --json | jq -r .url

It names the files that the last reading of the documents left out, and what could not be refreshed.

Exit code 3 means that nothing is running.
"""


def status(data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Show the running agent: its address, processes, and the health of each part."""
    data = find_data_dir(data_dir)
    state = running_state(data)
    readings = last_readings(state)
    facts = {**describe(data, state, read_health(state)), "readings": [facts_of(each) for each in readings]}
    if as_json:
        emit(facts)
        return
    say(f"{facts['phase']} for {facts['uptime_s']} s at {state.url}/  (supervisor pid {state.pid})")
    say(f"agent {state.agent_file}\ndata  {data.root}")
    rows = [
        (part["name"], str(part["pid"]), part["address"], f"{part['memory_mb']} MB", part["log"])
        for part in facts["parts"]
    ]
    table(("part", "pid", "address", "memory", "log"), rows)
    health = facts["health"]
    if health:
        say(f"health: {health.get('status')}")
        table(("probe", "status", "detail"), [(p["name"], p["status"], p["detail"]) for p in health.get("parts", [])])
    for line in (line for reading in readings for line in lines_of(reading)):
        say(line)


def describe(data: DataDir, state: State, health: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "url": state.url,
        "phase": state.phase,
        "pid": state.pid,
        "uptime_s": round(time.time() - state.started_at),
        "version": state.version,
        "agent_file": state.agent_file,
        "data_dir": str(data.root),
        "parts": [describe_part(part) for part in state.parts],
        "health": health,
    }


def describe_part(part: PartState) -> dict[str, Any]:
    import psutil

    try:
        memory_mb = psutil.Process(part.pid).memory_info().rss >> 20
    except psutil.Error:
        memory_mb = 0
    return {"name": part.name, "pid": part.pid, "address": part.address, "memory_mb": memory_mb, "log": part.log}


def read_health(state: State) -> dict[str, Any] | None:
    """What GET /health says; None while the gateway does not answer."""
    connection = HTTPConnection(state.url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", "/health")
        facts: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return facts
