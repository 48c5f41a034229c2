from pathlib import Path

import httpx2
import pytest

from support.gateway.scripted_gateway import TestGateway
from supportplane_runtime.gateway.api.page.files import STATIC_FOLDER, read_static_files


@pytest.fixture
def names() -> list[str]:
    return [path.relative_to(STATIC_FOLDER).as_posix() for path in STATIC_FOLDER.rglob("*") if path.is_file()]


async def test_the_page_is_served_to_everyone_and_may_load_only_what_is_ours(gateway: TestGateway) -> None:
    async with gateway.client() as client:
        reply = await client.get("/")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"


async def test_files_of_the_widget_may_be_loaded_by_other_sites(client: httpx2.AsyncClient, names: list[str]) -> None:
    for path in ("/widget.js", *(f"/static/{name}" for name in names)):
        reply = await client.get(path)
        assert reply.status_code == 200, path
        assert reply.headers["cross-origin-resource-policy"] == "cross-origin"
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/widget.js")).headers["content-type"] == "text/javascript; charset=utf-8"


async def test_a_file_that_did_not_change_is_not_sent_again(client: httpx2.AsyncClient) -> None:
    first = await client.get("/widget.js")
    again = await client.get("/widget.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/nothing.js",
        "/static/../files.py",
        "/static/%2e%2e/files.py",
        "/static/..%2ffiles.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/index.html/",
    ],
)
async def test_nothing_but_the_files_is_served(client: httpx2.AsyncClient, path: str) -> None:
    reply = await client.get(path)
    assert (reply.status_code, reply.json()["code"]) == (404, "not-found")


def test_files_are_read_with_their_types(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.css").write_text("body{}")
    (tmp_path / "c.svg").write_text("<svg/>")
    files = read_static_files(tmp_path)
    assert {name: file.media_type for name, file in files.items()} == {
        "a/b.css": "text/css; charset=utf-8",
        "c.svg": "image/svg+xml",
    }
    assert len({file.etag for file in files.values()}) == 2
