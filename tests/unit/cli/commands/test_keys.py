import json

import pytest
from typer.testing import CliRunner

from supportplane_cli.commands.keys import check_origins
from supportplane_cli.errors import WrongUsage
from supportplane_cli.registry import cli
from supportplane_runtime.store.credentials import parse_key


def test_a_generated_key_is_one_that_a_gateway_takes_and_never_the_same_twice() -> None:
    keys = {CliRunner().invoke(cli, ["keys", "generate"]).stdout.strip() for _ in range(2)}
    assert len(keys) == 2
    assert all(parse_key(key) is not None for key in keys)


def test_machines_get_it_as_json() -> None:
    reply = json.loads(CliRunner().invoke(cli, ["keys", "generate", "--json"]).stdout)
    assert parse_key(reply["key"]) is not None


@pytest.mark.parametrize(
    "origin", ["http://shop.example/path", "shop.example", "https://a@shop.example", "http://evil.example\x1b[2J", "*"]
)
def test_an_origin_that_no_browser_sends_is_refused_before_a_key_is_made(origin: str) -> None:
    with pytest.raises(WrongUsage, match="is not an origin"):
        check_origins([origin], ("invoke",))


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "http://localhost:3000", "https://xn--bcher-kva.example/", "http://[::1]:8080"]
)
def test_an_origin_as_browsers_send_it_is_taken(origin: str) -> None:
    check_origins([origin], ("invoke",))


def test_a_key_for_a_website_with_which_no_visitor_could_ask_is_refused() -> None:
    with pytest.raises(WrongUsage, match="need the scope invoke"):
        check_origins(["https://shop.example"], ("read",))
