import os
from pathlib import Path

import psutil
import pytest

from supportplane_cli.embedded.account import (
    OWN_IDS,
    Account,
    can_execute,
    can_pass,
    has_name,
    is_mapped,
    nobody,
    service_account,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a program as somebody else")


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs another account")
def test_an_ordinary_user_runs_it_as_themselves(tmp_path: Path) -> None:
    assert service_account(tmp_path) is None


@as_root
def test_root_takes_the_owner_of_an_existing_folder(tmp_path: Path) -> None:
    os.chown(tmp_path, 2, 2)
    assert service_account(tmp_path) == Account(2, 2)
    os.chown(tmp_path, OWN_IDS[7], OWN_IDS[7])
    assert service_account(tmp_path) == Account(OWN_IDS[7], OWN_IDS[7])


@as_root
@pytest.mark.parametrize("owner", [None, 0, nobody().uid, 4_000_000])
def test_a_folder_of_nobody_or_of_no_account_gets_an_id_that_no_account_and_no_process_has(
    tmp_path: Path, owner: int | None
) -> None:
    folder = tmp_path / "data"
    if owner is not None:
        folder.mkdir()
        os.chown(folder, owner, owner)
    chosen = service_account(folder)
    assert chosen is not None
    assert chosen.uid == chosen.gid
    assert chosen.uid in OWN_IDS
    assert not has_name(chosen)
    taken = {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
    assert chosen.uid not in taken


@pytest.mark.parametrize(
    ("id_map", "mapped"),
    [
        ("         0          0 4294967295\n", True),
        ("         0     100000      65536\n", True),
        ("         0       1000          1\n         1     100000      65536\n", True),
        ("         0       1000          1\n", False),
        ("", False),
        (None, True),
    ],
)
def test_ids_that_a_container_does_not_have_are_told_from_its_map(id_map: str | None, mapped: bool) -> None:
    assert is_mapped(OWN_IDS[0], id_map) is mapped


@as_root
def test_a_closed_parent_is_noticed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not can_pass(nobody(), inner)
    assert can_pass(nobody(), Path("/usr/bin"))
    assert can_execute(nobody(), Path("/usr/bin/env"))
