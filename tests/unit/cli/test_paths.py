from pathlib import Path

import pytest

from supportplane_cli.paths import VARIABLE, find_data_dir


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_the_option_wins_over_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "named"))
    assert find_data_dir(tmp_path / "typed").root == tmp_path / "typed"
    assert find_data_dir(None).root == tmp_path / "named"


def test_the_nearest_folder_upwards_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".supportplane").mkdir()
    below = tmp_path / "docs" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_data_dir(None).root == tmp_path / ".supportplane"


def test_a_new_one_belongs_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_data_dir(None).root == tmp_path / ".supportplane"
    assert not (tmp_path / ".supportplane").exists()
