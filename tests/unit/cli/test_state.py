import os
import stat
from pathlib import Path

import pytest

from supportplane_cli.errors import NothingRunning
from supportplane_cli.lock import DataLock
from supportplane_cli.paths import DataDir
from supportplane_cli.state import PartState, State, last_state, running_state, save_state


def state() -> State:
    return State(
        pid=os.getpid(),
        phase="running",
        url="http://127.0.0.1:8080",
        agent_file="agent.yaml",
        tenant="default",
        started_at=1.0,
        version="0.1.0",
        environment={"SUPPORTPLANE_DATABASE_URL": "postgresql://u:p@127.0.0.1/d"},
        parts=(PartState("redis", 12, 3.5, "127.0.0.1:6379", "redis.log"),),
    )


def test_what_is_saved_comes_back_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    save_state(data, state())
    assert last_state(data.state) == state()
    assert stat.S_IMODE(data.state.stat().st_mode) == 0o600
    assert "postgresql://" not in repr(state())


def test_a_state_without_a_living_supervisor_is_nothing_running(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    save_state(data, state())
    with pytest.raises(NothingRunning) as caught:
        running_state(data)
    assert caught.value.exit_code == 3
    with DataLock(data, purpose="up"):
        assert running_state(data) == state()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"parts": [1]}'])
def test_a_damaged_state_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    assert last_state(path) is None
