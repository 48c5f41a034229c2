import re

import pytest
from pydantic import ValidationError

from support.repository import REPOSITORY
from supportplane_operator.settings import Settings, load_settings

PAGE = REPOSITORY / "docs/reference/operator-settings.md"


def test_every_setting_is_documented_and_no_other() -> None:
    told = set(re.findall(r"^\| `SUPPORTPLANE_OPERATOR_([A-Z_]+)`", PAGE.read_text(), re.MULTILINE))
    assert told == {name.upper() for name in Settings.model_fields}


def test_lists_and_mappings_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_WATCH_NAMESPACES", '["acme"]')
    monkeypatch.setenv("SUPPORTPLANE_OPERATOR_MONITORING_LABELS", '{"team": "sre"}')
    found = load_settings()
    assert (found.watch_namespaces, found.monitoring_labels) == (("acme",), {"team": "sre"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "0"),
        ("DATABASE_PORTS", "[0]"),
        ("CACHE_PORTS", "[70000]"),
        ("API_SERVER_CIDRS", '["10.96.0.1/33"]'),
        ("API_SERVER_CIDRS", '["10.96.0.1/16"]'),
        ("API_SERVER_CIDRS", '["kubernetes.default"]'),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SUPPORTPLANE_OPERATOR_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        load_settings()
