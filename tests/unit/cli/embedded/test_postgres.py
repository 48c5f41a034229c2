from pathlib import Path

import pytest

from supportplane_cli.embedded.postgres import check_cluster, explain
from supportplane_cli.errors import DataUnusable, DiskFull, PartFailed


def cluster(folder: Path, version: str) -> Path:
    (folder / "global").mkdir(parents=True)
    (folder / "global" / "pg_control").write_bytes(b"x")
    (folder / "PG_VERSION").write_text(f"{version}\n")
    return folder


def test_a_cluster_of_this_version_is_fine(tmp_path: Path) -> None:
    check_cluster(cluster(tmp_path, "18"))


def test_a_cluster_of_another_version_names_both(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match=r"made by PostgreSQL 16; this release runs PostgreSQL 18") as caught:
        check_cluster(cluster(tmp_path, "16"))
    assert "supportplane backup" in str(caught.value.hint)


@pytest.mark.parametrize("gone", ["PG_VERSION", "global/pg_control"])
def test_a_cluster_that_lost_files_is_damaged(tmp_path: Path, gone: str) -> None:
    (cluster(tmp_path, "18") / gone).unlink()
    with pytest.raises(DataUnusable, match="is damaged") as caught:
        check_cluster(tmp_path)
    assert "supportplane restore" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("FATAL:  could not write lock file: No space left on device", DiskFull),
        ("PANIC:  could not locate a valid checkpoint record at 0/1", DataUnusable),
        ('FATAL:  could not open file "pg_wal/0001": No such file or directory', DataUnusable),
        ('FATAL:  could not open file "x": Permission denied', PartFailed),
        ("LOG:  starting PostgreSQL 18.4", PartFailed),
    ],
)
def test_known_troubles_in_the_log_become_what_to_do(tmp_path: Path, output: str, kind: type[Exception]) -> None:
    assert type(explain(PartFailed("it ended."), output, tmp_path)) is kind
