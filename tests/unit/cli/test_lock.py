from pathlib import Path

import pytest

from supportplane_cli.errors import AlreadyRunning
from supportplane_cli.lock import DataLock, holder_pid
from supportplane_cli.paths import DataDir


def test_the_second_one_is_told_who_has_it_and_what_to_type(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with DataLock(data, purpose="up"):
        with (
            pytest.raises(AlreadyRunning, match=r"in use by `supportplane up` \(pid \d+\)") as caught,
            DataLock(data, purpose="up"),
        ):
            pass
        assert "supportplane down" in str(caught.value.hint)


def test_it_is_free_again_after_the_block_and_after_an_error(tmp_path: Path) -> None:
    data = DataDir(tmp_path)

    def fail_with_lock() -> None:
        with DataLock(data, purpose="up"):
            assert holder_pid(data) is not None
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_with_lock()
    assert holder_pid(data) is None
    with DataLock(data, purpose="restore"):
        pass


def test_what_a_dead_holder_wrote_counts_for_nothing(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.lock.write_text('{"pid": 1, "purpose": "up"}')
    assert holder_pid(data) is None
    with DataLock(data, purpose="up"):
        assert '"pid": 1,' not in data.lock.read_text()
