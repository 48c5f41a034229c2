import json
from typing import Any

import pytest

from supportplane_crds.support_agent import Gateway


def limits(*stated: dict[str, Any]) -> dict[str, tuple[int, float]]:
    document = {"rateLimits": list(stated)} if stated else {}
    found = Gateway.model_validate_json(json.dumps(document)).limits()
    return {scope: (limit.requests, limit.window.total_seconds()) for scope, limit in found.items()}


DEFAULTS = {"APIKey": (120, 60), "User": (60, 60), "IP": (600, 60), "NewVisitor": (200, 10)}


@pytest.mark.parametrize(
    ("stated", "changed"),
    [
        ([], {}),
        ([{"scope": "IP", "requests": 9, "window": "1h"}], {"IP": (9, 3600)}),
        ([{"scope": "APIKey", "requests": 8, "window": "1m"}], {"APIKey": (8, 60), "User": (8, 60)}),
        ([{"scope": "APIKey", "requests": 600, "window": "1m"}], {"APIKey": (600, 60)}),
        (
            [{"scope": "APIKey", "requests": 8, "window": "1m"}, {"scope": "User", "requests": 30, "window": "1m"}],
            {"APIKey": (8, 60), "User": (30, 60)},
        ),
    ],
    ids=["nothing", "an address", "a tight key", "a wide key", "a tight key and users"],
)
def test_a_scope_that_is_left_out_has_its_default_and_a_user_no_more_than_a_key(
    stated: list[dict[str, Any]], changed: dict[str, tuple[int, float]]
) -> None:
    assert limits(*stated) == DEFAULTS | changed
