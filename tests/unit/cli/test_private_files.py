import stat
from pathlib import Path

from supportplane_cli.private_files import password, write_private


def test_only_the_owner_may_read_what_is_written_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key"
    write_private(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_by_rewriting_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_password_is_made_once_and_differs_by_name(tmp_path: Path) -> None:
    first = password(tmp_path, "redis")
    assert password(tmp_path, "redis") == first
    assert password(tmp_path, "postgres") != first
    assert len(first) == 32
