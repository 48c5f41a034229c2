from pathlib import Path

import pytest

from supportplane_cli.paths import DataDir
from supportplane_cli.supervisor import warmth
from supportplane_cli.supervisor.warmth import Warmth, migrations_fingerprint, read_warmth, save_warmth
from supportplane_runtime.store import migrate


def test_the_table_asked_for_the_schema_is_the_one_that_migrations_write() -> None:
    assert warmth.VERSION_TABLE == migrate.VERSION_TABLE


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    known = Warmth("abc", "0002", ("default", "docs"))
    save_warmth(data, known)
    assert read_warmth(data) == known


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"migrations": "x"}', '{"migrations": 1, "schema": null, "indexed": 3}']
)
def test_a_damaged_note_is_a_cold_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "warmth.json").write_text(text)
    assert read_warmth(DataDir(tmp_path)) == Warmth()


def test_the_fingerprint_is_stable_and_follows_the_checkpoint_tables_release(monkeypatch: pytest.MonkeyPatch) -> None:
    before = migrations_fingerprint()
    assert migrations_fingerprint() == before
    monkeypatch.setattr(warmth, "version", lambda _: "99.0")
    assert migrations_fingerprint() != before
