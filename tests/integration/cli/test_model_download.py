"""Downloads from a stand-in hub on loopback, on real sockets and files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hub_stand_in import HubStandIn
from supportplane_cli.errors import CommandFailed, PartFailed
from supportplane_cli.model_download import fetch
from supportplane_cli.supervisor.plan import HubFile

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 96_000  # 24 MB: huggingface_hub keeps what has arrived in chunks of 10 MB
WANTED = HubFile("owner/repo", "small/q4.gguf", "main")


@pytest.fixture
def hub() -> Iterator[HubStandIn]:
    with HubStandIn(WANTED.path, CONTENT) as running:
        yield running


def ignore(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def ranges(hub: HubStandIn) -> list[str | None]:
    return [wanted for method, _, wanted in hub.requests if method == "GET"]


def test_a_file_is_fetched_with_progress_and_used_again_without_asking(hub: HubStandIn, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch(WANTED, tmp_path, lambda done, total: seen.append((done, total)), endpoint=hub.url)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    asked = len(hub.requests)
    assert fetch(WANTED, tmp_path, ignore, endpoint=hub.url) == path
    assert len(hub.requests) == asked


def test_the_next_run_goes_on_where_the_last_one_was_killed(hub: HubStandIn, tmp_path: Path) -> None:
    partial = tmp_path / "owner--repo" / "main" / "small" / f"q4.gguf.{hub.sha256}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:4_000_000])
    path = fetch(WANTED, tmp_path, ignore, endpoint=hub.url)
    assert path.read_bytes() == CONTENT
    assert ranges(hub) == ["bytes=4000000-"]
    assert not partial.exists()


def test_a_connection_that_is_cut_is_resumed_within_the_run(hub: HubStandIn, tmp_path: Path) -> None:
    hub.cut_after = 15_000_000
    path = fetch(WANTED, tmp_path, ignore, endpoint=hub.url)
    assert path.read_bytes() == CONTENT
    assert len(ranges(hub)) == 2


def test_a_wrong_checksum_is_refused_and_thrown_away(hub: HubStandIn, tmp_path: Path) -> None:
    hub.sha256 = "0" * 64
    with pytest.raises(PartFailed, match="wrong checksum"):
        fetch(WANTED, tmp_path, ignore, endpoint=hub.url)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_the_hub_does_not_have_is_a_sentence(hub: HubStandIn, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"The hub has no owner/repo/other\.gguf at main"):
        fetch(HubFile("owner/repo", "other.gguf"), tmp_path, ignore, endpoint=hub.url)


def test_the_user_s_token_goes_to_the_hub_and_not_to_its_storage(
    hub: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(WANTED, tmp_path, ignore, endpoint=hub.url)
    assert hub.tokens == {"HEAD": "Bearer hf_secret", "GET": None}


def test_no_network_is_a_sentence_that_says_what_stays(tmp_path: Path, free_port: int) -> None:
    with pytest.raises(CommandFailed, match="cannot be reached") as caught:
        fetch(WANTED, tmp_path, ignore, endpoint=f"http://127.0.0.1:{free_port}")
    assert "goes on where it stopped" in str(caught.value.hint)
