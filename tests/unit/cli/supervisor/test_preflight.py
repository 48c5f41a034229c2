import os
import socket
from pathlib import Path

import pytest

from supportplane_cli.errors import CommandFailed, DataUnusable, DiskFull, WrongUsage
from supportplane_cli.paths import DataDir
from supportplane_cli.supervisor import preflight


def test_a_taken_port_names_who_has_it_and_the_flag() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(CommandFailed, match=rf"Port {port} is taken by python.* \(pid {os.getpid()}\)") as caught:
            preflight.check_port(port)
    assert "--port" in str(caught.value.hint)


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "not-an-address", "192.0.2.1"])
def test_listen_wants_one_more_address_of_this_machine(address: str) -> None:
    with pytest.raises(WrongUsage, match="--listen"):
        preflight.check_listen_address(address)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnusable, match="cannot be written to") as caught:
        preflight.prepare_folder(DataDir(tmp_path / "file" / "data"))
    assert "--data-dir" in str(caught.value.hint)


def test_a_folder_that_does_not_exist_is_measured_by_its_nearest_parent(tmp_path: Path) -> None:
    preflight.check_space(tmp_path / "not" / "there" / "yet")


def test_too_little_space_says_how_much_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(DiskFull, match=r"is full: \d+ MB are free"):
        preflight.check_space(tmp_path)
