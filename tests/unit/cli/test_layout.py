from pathlib import Path

import pytest

from supportplane_cli.errors import DataUnusable
from supportplane_cli.layout import check_layout, save_layout
from supportplane_cli.paths import DataDir


def test_a_directory_of_this_release_and_an_empty_one_are_fine(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    check_layout(data)
    save_layout(data)
    check_layout(data)


def test_a_newer_release_is_named(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    data.layout.write_text('{"layout": 99, "release": "9.1.0"}')
    with pytest.raises(DataUnusable, match=r"written by supportplane 9\.1\.0") as caught:
        check_layout(data)
    assert "install supportplane 9.1.0 or newer" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "{}", '{"layout": "x", "release": "1"}', "[1]"])
def test_a_damaged_note_is_told_with_the_way_out(tmp_path: Path, text: str) -> None:
    data = DataDir(tmp_path)
    data.layout.write_text(text)
    with pytest.raises(DataUnusable, match="is damaged") as caught:
        check_layout(data)
    assert str(data.layout) in str(caught.value.hint)
