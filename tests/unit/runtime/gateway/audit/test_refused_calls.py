from datetime import UTC, datetime, timedelta

import pytest

from supportplane_runtime.gateway.audit.refused_calls import (
    FIRST_ENTRIES,
    MAX_ROWS_A_MINUTE,
    MAX_SOURCES,
    REFUSED_CALLS,
    WINDOW_S,
    RefusedCalls,
    is_refused,
)
from supportplane_runtime.store.interfaces.audit import NOBODY, AuditEntry

BEGIN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls(clock: Clock) -> RefusedCalls:
    return RefusedCalls(clock=clock, now=clock.now)


def refused(outcome: str = "401", *, tenant: str = NOBODY, actor: str = NOBODY) -> AuditEntry:
    return AuditEntry(tenant, actor, "GET /api/v1/tickets", outcome, {"request_id": "r1"}, "helpdesk")


@pytest.mark.parametrize(
    ("outcome", "actor", "expected"),
    [
        ("401", NOBODY, True),
        ("403", NOBODY, True),
        ("404", NOBODY, True),
        ("499", NOBODY, True),  # left before the answer: as easily made by the thousand
        ("503", NOBODY, True),
        ("200", NOBODY, False),  # a redeemed link
        ("429", "k1", True),
        ("403", "k1", False),
        ("404", "k1", False),
        ("503", "k1", False),
        ("101", "k1", False),
    ],
)
def test_calls_of_strangers_and_calls_over_a_limit_are_refused_calls(
    outcome: str, actor: str, *, expected: bool
) -> None:
    assert is_refused(refused(outcome, actor=actor)) is expected


def test_the_first_few_of_a_source_are_entries_of_their_own(calls: RefusedCalls) -> None:
    taken = [calls.take(refused(), "192.0.2.1") for _ in range(FIRST_ENTRIES + 5)]
    assert [each is not None for each in taken] == [True] * FIRST_ENTRIES + [False] * 5


def test_the_others_are_one_entry_with_their_number_the_first_and_the_last_time(
    calls: RefusedCalls, clock: Clock
) -> None:
    for second in range(10):
        clock.seconds = float(second)
        calls.take(refused("401" if second % 2 else "403"), "192.0.2.1")
    assert calls.due() == []
    clock.seconds = WINDOW_S
    (entry,) = calls.due()
    assert (entry.tenant, entry.actor, entry.action, entry.outcome) == (NOBODY, NOBODY, REFUSED_CALLS, "refused")
    assert entry.agent == "helpdesk"
    assert entry.facts == {
        "client": "192.0.2.1",
        "calls": 7,
        "outcomes": {"401": 4, "403": 3},
        "first_at": (BEGIN + timedelta(seconds=3)).isoformat(),
        "last_at": (BEGIN + timedelta(seconds=9)).isoformat(),
        "last_action": "GET /api/v1/tickets",
    }
    assert calls.due() == []


def test_a_minute_with_a_few_calls_leaves_no_sum(calls: RefusedCalls, clock: Clock) -> None:
    calls.take(refused(), "192.0.2.1")
    clock.seconds = WINDOW_S
    assert calls.due() == []


def test_the_next_minute_begins_with_entries_again(calls: RefusedCalls, clock: Clock) -> None:
    for _ in range(9):
        calls.take(refused(), "192.0.2.1")
    clock.seconds = WINDOW_S
    assert len(calls.due()) == 1
    assert calls.take(refused(), "192.0.2.1") is not None


def test_a_key_over_its_limit_is_summed_up_under_its_own_name(calls: RefusedCalls) -> None:
    for _ in range(9):
        calls.take(refused("429", tenant="acme", actor="k1"), "192.0.2.1")
        calls.take(refused(), "192.0.2.1")
    sums = calls.due(everything=True)
    assert [(each.tenant, each.actor, each.facts["calls"]) for each in sums] == [("acme", "k1", 6), ("-", "-", 6)]


def test_however_many_sources_call_a_minute_has_a_bounded_number_of_rows(calls: RefusedCalls) -> None:
    rows = 0
    for number in range(MAX_SOURCES * 20):
        for _ in range(5):
            rows += calls.take(refused(), f"source {number}") is not None
    sums = calls.due(everything=True)
    assert rows + len(sums) <= MAX_ROWS_A_MINUTE
    assert rows + sum(each.facts["calls"] for each in sums) == MAX_SOURCES * 20 * 5
    assert sums[-1].facts["client"] == "other addresses"
