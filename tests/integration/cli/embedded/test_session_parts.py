import json
from contextlib import closing
from http.client import HTTPConnection

import psycopg
import pytest
import redis as redis_client

pytestmark = pytest.mark.slow


def test_a_module_gets_a_database_with_pgvector_whose_owner_is_no_superuser(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT '[1,2]'::vector <-> '[1,2]'::vector").fetchone() == (0.0,)
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        connection.execute("CREATE TABLE mine (id int)")


def test_the_database_refuses_a_wrong_password(database_url: str) -> None:
    url = database_url.replace("postgresql://supportplane:", "postgresql://supportplane:wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_redis_answers_with_the_password_only(redis_url: str) -> None:
    with redis_client.Redis.from_url(redis_url) as connection:
        assert connection.ping()
    with (
        redis_client.Redis.from_url("redis://" + redis_url.partition("@")[2]) as stranger,
        pytest.raises(redis_client.AuthenticationError),
    ):
        stranger.ping()


def test_the_model_server_speaks_the_openai_chat_api(model_server_url: str, model_server_key: str) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, "model": "SmolLM2-135M-Instruct"}
    headers = {"Authorization": f"Bearer {model_server_key}", "Content-Type": "application/json"}
    address = model_server_url.removeprefix("http://").removesuffix("/v1")
    with closing(HTTPConnection(address, timeout=120)) as connection:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        reply = json.loads(connection.getresponse().read())
    assert reply["choices"][0]["message"]["content"]
