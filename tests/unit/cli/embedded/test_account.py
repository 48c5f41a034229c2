import os
from pathlib import Path

import pytest

from supportplane_cli.embedded.account import FALLBACK, can_execute, can_pass, service_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a program as somebody else")


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs another account")
def test_an_ordinary_user_runs_it_as_themselves(tmp_path: Path) -> None:
    assert service_account(tmp_path) is None


@as_root
def test_root_takes_the_owner_of_an_existing_folder_else_the_fallback(tmp_path: Path) -> None:
    assert service_account(tmp_path / "new") == FALLBACK
    owned = tmp_path / "owned"
    owned.mkdir()
    os.chown(owned, 2, 2)
    assert service_account(owned) != FALLBACK
    os.chown(owned, 4_000_000, 4_000_000)
    assert service_account(owned) == FALLBACK


@as_root
def test_a_closed_parent_is_noticed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not can_pass(FALLBACK, inner)
    assert can_pass(FALLBACK, Path("/usr/bin"))
    assert can_execute(FALLBACK, Path("/usr/bin/env"))
