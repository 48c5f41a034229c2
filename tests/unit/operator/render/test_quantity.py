import pytest

from supportplane_operator.render.quantity import canonical, resources

TABLE = {
    "500m": "500m",
    "1000m": "1",
    "0.5": "500m",
    "2": "2",
    "1024Mi": "1Gi",
    "1536Mi": "1536Mi",
    "1.5Gi": "1536Mi",
    "1000M": "1G",
    "1000Mi": "1000Mi",
    "0.5Ki": "512",
    "1024": "1024",
    "1000": "1k",
    "20Gi": "20Gi",
}


@pytest.mark.parametrize(("written", "stored"), TABLE.items())
def test_a_quantity_is_rendered_as_the_api_server_stores_it(written: str, stored: str) -> None:
    assert canonical(written) == stored
    assert canonical(stored) == stored


def test_a_part_that_asks_for_nothing_is_left_out() -> None:
    assert resources({"requests": {"cpu": "0.25"}, "limits": {}}) == {"requests": {"cpu": "250m"}}
