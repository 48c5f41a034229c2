"""Documents that cannot be read: an agent that has an index starts all the same and says what is wrong, everywhere."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from support.laptop.running_agent import QUESTION, poll
from support.laptop.terminal import Terminal
from supportplane_cli.embedded.ports import http_status

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BROKEN = b"# Broken\n\nGr\xfc\xdfe aus M\xfcnchen.\n"


def readiness(laptop: Terminal) -> int | None:
    return http_status(laptop.port, "/readyz", timeout_s=10)


def take_away(folder: Path) -> Path:
    return folder.rename(folder.with_name(f"{folder.name}.away"))


def test_whoever_waits_for_readiness_finds_an_index_and_the_key(make_laptop: Callable[..., Terminal]) -> None:
    laptop = make_laptop()
    for number in range(60):
        text = f"# Part {number}\n\nThe part number {number} is {number * 7} millimetres wide.\n"
        (laptop.folder / "guide" / f"part{number}.md").write_text(text)
    laptop.launch()
    poll(lambda: readiness(laptop) == 200, deadline_s=300, what="readiness")
    assert (laptop.data / "api-key").read_text().strip()
    reply = laptop.json("ask", QUESTION)
    assert (reply["outcome"], "post office" in reply["response"]) == ("answered", True)


def test_an_agent_with_an_index_starts_without_its_documents_and_says_so_until_they_are_back(
    make_laptop: Callable[..., Terminal],
) -> None:
    laptop = make_laptop()
    laptop.up()
    (laptop.folder / "guide" / "broken.md").write_bytes(BROKEN)
    (result,) = laptop.json("ingest")
    assert [each["name"] for each in result["skipped"]] == ["guide/broken.md"]
    assert "left out guide/broken.md is not UTF-8" in laptop.run("ingest").stdout
    assert "left out guide/broken.md is not UTF-8" in laptop.run("status").stdout
    laptop.down()

    away = take_away(laptop.folder / "guide")
    laptop.up()
    poll(lambda: "Not all documents could be refreshed" in laptop.said(), deadline_s=120, what="the block")
    assert "guide does not exist" in laptop.said()
    assert readiness(laptop) == 200
    assert laptop.json("ask", QUESTION)["outcome"] == "answered"
    status = laptop.json("status")
    assert status["health"]["status"] == "degraded"
    assert "does not exist" in status["readings"][0]["failure"]
    assert "not refreshed since" in laptop.run("status").stdout
    verdicts = json.loads(laptop.run("doctor", "--json").stdout)
    assert any(each["check"] == "documents of guide" and "does not exist" in each["detail"] for each in verdicts)
    refused = laptop.run("ingest")
    assert (refused.returncode, "does not exist" in refused.stderr) == (6, True)

    away.rename(laptop.folder / "guide")
    (laptop.folder / "guide" / "broken.md").unlink()
    assert laptop.run("ingest").returncode == 0
    poll(laptop.well, deadline_s=60, what="health after a good reading")


def test_a_reading_that_is_killed_leaves_the_agent_answering_and_is_told(make_laptop: Callable[..., Terminal]) -> None:
    laptop = make_laptop()
    laptop.up()
    ingest = subprocess.Popen(laptop.command("ingest"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def reader() -> psutil.Process | None:
        children = psutil.Process(ingest.pid).children(recursive=True)
        return next((each for each in children if "knowledge" in each.cmdline()), None)

    poll(reader, deadline_s=60, what="the reading").send_signal(signal.SIGKILL)
    _, said = ingest.communicate(timeout=120)
    assert ingest.returncode == 6
    assert "guide: The reading ended before its time" in said
    assert readiness(laptop) == 200
    poll(lambda: laptop.json("status")["health"]["status"] == "degraded", deadline_s=60, what="health telling of it")
    assert laptop.run("ingest").returncode == 0
    poll(laptop.well, deadline_s=60, what="health after a good reading")


def test_without_any_index_up_ends_with_the_reason(make_laptop: Callable[..., Terminal]) -> None:
    laptop = make_laptop()
    (laptop.folder / "guide" / "returns.md").write_bytes(BROKEN)
    ended = laptop.run(*laptop.up_flags, deadline_s=300)
    assert ended.returncode == 6
    assert "No documents could be read, and none are indexed from before" in ended.stderr
    assert "guide/returns.md is not UTF-8" in ended.stderr
