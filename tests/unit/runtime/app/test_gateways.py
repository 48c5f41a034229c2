import asyncio
from pathlib import Path

import pytest

from supportplane_runtime.app.gateways import following, read_gateways


class Told:
    """Takes numbers of gateways, and lets a test wait for one."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._changed = asyncio.Event()

    def share_among(self, gateways: int) -> None:
        self.numbers.append(gateways)
        self._changed.set()

    async def until(self, number: int) -> None:
        async with asyncio.timeout(30):
            while self.numbers[-1:] != [number]:
                self._changed.clear()
                await self._changed.wait()


async def test_the_number_of_gateways_is_told_at_once_and_again_when_it_changes(tmp_path: Path) -> None:
    told = Told()
    file = tmp_path / "gateways"
    file.write_text("2\n")

    async with following(file, told.share_among, period_s=0.01):
        assert told.numbers == [2]
        file.write_text("5")
        await told.until(5)


async def test_a_file_that_cannot_be_read_changes_nothing_and_is_looked_at_again(tmp_path: Path) -> None:
    told = Told()
    file = tmp_path / "gateways"

    async with following(file, told.share_among, period_s=0.01):
        assert told.numbers == []
        file.write_text("3")
        await told.until(3)


async def test_without_a_file_there_is_nothing_to_tell() -> None:
    told = Told()
    async with following(None, told.share_among, period_s=0.01):
        assert told.numbers == []


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "2.5", "\u0662"])
def test_only_a_number_of_one_or_more_is_a_number_of_gateways(tmp_path: Path, text: str) -> None:
    file = tmp_path / "gateways"
    file.write_text(text)
    assert read_gateways(file) is None
