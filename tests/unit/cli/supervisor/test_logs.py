from pathlib import Path

from supportplane_cli.commands.logs import read_added, tail
from supportplane_cli.supervisor.logs import rotate


def test_a_full_log_is_copied_aside_and_goes_on_in_place(tmp_path: Path) -> None:
    log, small = tmp_path / "redis.log", tmp_path / "model.log"
    small.write_text("short\n")
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 100)
        rotate(tmp_path, limit_bytes=100)
        writer.write(b"new\n")
    assert log.read_text() == "new\n"
    assert (tmp_path / "redis.log.1").read_text() == "old\n" * 100
    assert small.read_text() == "short\n"


def test_following_gives_whole_lines_once_and_survives_rotation(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("one\ntw")
    lines, seen = read_added(log, 0)
    assert lines == ["one"]
    log.write_text("one\ntwo\n")
    lines, seen = read_added(log, seen)
    assert (lines, read_added(log, seen)[0]) == (["two"], [])
    log.write_text("new\n")
    assert read_added(log, seen)[0] == ["new"]


def test_the_tail_is_the_last_lines_and_none_is_none(tmp_path: Path) -> None:
    log = tmp_path / "redis.log"
    log.write_text("one\ntwo\nthree\n")
    assert (tail(log, 2), tail(log, 0)) == (["two", "three"], [])
