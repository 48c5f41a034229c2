import json

from typer.testing import CliRunner

from supportplane_cli.registry import cli
from supportplane_runtime.store.credentials import parse_key


def test_a_generated_key_is_one_that_a_gateway_takes_and_never_the_same_twice() -> None:
    keys = {CliRunner().invoke(cli, ["keys", "generate"]).stdout.strip() for _ in range(2)}
    assert len(keys) == 2
    assert all(parse_key(key) is not None for key in keys)


def test_machines_get_it_as_json() -> None:
    reply = json.loads(CliRunner().invoke(cli, ["keys", "generate", "--json"]).stdout)
    assert parse_key(reply["key"]) is not None
