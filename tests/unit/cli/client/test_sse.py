from collections.abc import AsyncIterator

from supportplane_cli.client.sse import ServerEvent, read_events


async def lines(text: str) -> AsyncIterator[bytes]:
    for line in text.splitlines(keepends=True):
        yield line.encode()


async def events(text: str) -> list[ServerEvent]:
    return [event async for event in read_events(lines(text))]


async def test_events_carry_name_data_and_id() -> None:
    text = "id: t:1\nevent: progress\ndata: {}\n\nid: t:2\nevent: token\ndata: a\ndata: b\n\n"
    assert await events(text) == [ServerEvent("progress", "{}", "t:1"), ServerEvent("token", "a\nb", "t:2")]


async def test_heartbeats_and_unknown_fields_are_passed_over() -> None:
    assert await events(": ping\n\nretry: 3\nevent: x\ndata: 1\n\n") == [ServerEvent("x", "1", "")]


async def test_an_event_that_was_cut_off_is_dropped() -> None:
    assert await events("data: whole\n\ndata: half") == [ServerEvent("message", "whole", "")]


async def test_an_id_stays_until_another_comes_and_crlf_ends_lines() -> None:
    text = "id: 7\r\ndata: a\r\n\r\ndata: b\r\n\r\n"
    assert [event.event_id for event in await events(text)] == ["7", "7"]
