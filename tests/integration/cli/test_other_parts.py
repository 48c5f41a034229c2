"""Parts that are not the embedded ones on loopback: a downloaded model, one more address, somebody else's URLs."""

import socket
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from support.hub_stand_in import HubStandIn
from support.laptop.running_agent import QUESTION, poll
from support.laptop.terminal import Terminal
from supportplane_cli.embedded.model_server import EMBEDDED_MODEL, ModelServer, embedded_weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MakeLaptop = Callable[..., Terminal]


def other_address() -> str:
    """An IPv4 address of this machine that is not loopback; skips where there is none."""
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family == socket.AF_INET and not entry.address.startswith("127."):
                return str(entry.address)
    pytest.skip("this machine has no address besides loopback to listen on")


def port_of(laptop: Terminal, part: str) -> int:
    parts = {entry["name"]: entry["address"] for entry in laptop.json("status")["parts"]}
    return int(parts[part].rpartition(":")[2])


def test_a_downloaded_model_and_the_parts_on_one_more_address_ask_for_their_passwords(
    make_laptop: MakeLaptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = other_address()
    laptop = make_laptop(flags=("--model", "hf:owner/repo/small.gguf", "--listen", address))
    with HubStandIn("small.gguf", embedded_weights().read_bytes()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        laptop.up()
    assert "download: " in laptop.said()
    assert "post office" in laptop.json("ask", QUESTION)["response"]

    passwords = laptop.data / "passwords"
    place = f"{address}:{port_of(laptop, 'postgres')}"
    role = (passwords / "postgres").read_text().strip()
    psycopg.connect(f"postgresql://supportplane:{role}@{place}/supportplane").close()
    superuser = (passwords / "postgres-superuser").read_text().strip()
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(f"postgresql://postgres:{superuser}@{place}/postgres")

    with redis.Redis(address, port_of(laptop, "redis")) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

    assert model_status(address, port_of(laptop, "model"), key=None) == 401
    assert model_status(address, port_of(laptop, "model"), key=(passwords / "model").read_text().strip()) == 200


def model_status(address: str, port: int, *, key: str | None) -> int:
    connection = HTTPConnection(address, port, timeout=30)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    body = '{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}'
    try:
        connection.request("POST", "/v1/chat/completions", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_every_part_can_be_somebody_else_s(
    make_laptop: MakeLaptop, database_url: str, redis_url: str, model_server: ModelServer, tmp_path: Path
) -> None:
    key_file = tmp_path / "model-key"
    key_file.write_text(model_server.spec.api_key)
    model = ("--model", model_server.url, "--model-name", EMBEDDED_MODEL, "--model-key-file", str(key_file))
    stores = ("--database-url", database_url, "--redis-url", redis_url)
    laptop = make_laptop(writing="Verified", flags=(*stores, *model))
    laptop.up()
    assert [part["name"] for part in laptop.json("status")["parts"]] == ["gateway"]
    assert laptop.json("ask", QUESTION)["outcome"] == "answered"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM turns").fetchone() == (1,)
    facts = poll(laptop.well, deadline_s=60, what="every part being well")
    assert {part["status"] for part in facts["health"]["parts"]} == {"ok"}
