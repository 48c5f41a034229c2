import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from supportplane_operator.settings import Settings, load_settings

PAGE = Path(__file__).parents[3] / "docs/reference/operator-settings.md"


def test_every_setting_is_documented_and_no_other() -> None:
    told = set(re.findall(r"^\| `SUPPORTPLANE_OPERATOR_([A-Z_]+)`", PAGE.read_text(), re.MULTILINE))
    assert told == {name.upper() for name in Settings.model_fields}


def test_lists_and_mappings_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_WATCH_NAMESPACES", '["acme"]')
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_MONITORING_LABELS", '{"team": "sre"}')
    found = load_settings()
    assert (found.watch_namespaces, found.monitoring_labels) == (("acme",), {"team": "sre"})


def test_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_WORKERS", "0")
    with pytest.raises(ValidationError, match="workers"):
        load_settings()
