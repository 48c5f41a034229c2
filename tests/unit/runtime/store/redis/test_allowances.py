import pytest

from supportplane_runtime.store.interfaces.limits import LimitDecision
from supportplane_runtime.store.redis.allowances import MAX_SUBJECTS, Allowances

SUBJECT, OTHER = ("acme", "visitor", "User"), ("acme", "other", "User")
LIMIT, WINDOW_S = 6, 60


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def decision(*, remaining: int = LIMIT, allowed: bool = True) -> LimitDecision:
    return LimitDecision(allowed, LIMIT, remaining, reset_after_s=WINDOW_S, window_s=WINDOW_S)


def granted_alone(allowances: Allowances, times: int) -> int:
    return sum(allowances.alone(SUBJECT, decision()).allowed for _ in range(times))


def test_a_silence_grants_no_more_than_redis_had_left() -> None:
    allowances = Allowances()
    assert allowances.told(SUBJECT, decision(remaining=2)).allowed
    assert granted_alone(allowances, 5) == 2


def test_redis_refused_means_refused_during_the_silence_too() -> None:
    allowances = Allowances()
    assert not allowances.told(SUBJECT, decision(remaining=0, allowed=False)).allowed
    assert granted_alone(allowances, 5) == 0


def test_what_was_granted_without_redis_is_taken_off_what_redis_grants_afterwards() -> None:
    allowances = Allowances()
    assert granted_alone(allowances, 4) == 4
    answers = [allowances.told(SUBJECT, decision(remaining=left)) for left in (5, 4, 3, 2, 1, 0)]
    assert [answer.allowed for answer in answers] == [True, True, False, False, False, False]
    assert answers[2].remaining == 0


def test_a_window_later_neither_counts_any_more() -> None:
    clock = Clock()
    allowances = Allowances(clock=clock)
    allowances.told(SUBJECT, decision(remaining=0))
    clock.now += WINDOW_S
    assert granted_alone(allowances, 3) == 3
    clock.now += WINDOW_S
    assert allowances.told(SUBJECT, decision(remaining=0)).allowed


def test_a_long_silence_is_left_to_the_process_own_counter_and_costs_nothing_afterwards() -> None:
    clock = Clock()
    allowances = Allowances(clock=clock)
    for _ in range(20):
        assert granted_alone(allowances, 3) == 3  # half of the limit in each window
        clock.now += WINDOW_S
    assert allowances.told(SUBJECT, decision(remaining=5)).allowed


def test_what_the_process_own_counter_refuses_counts_for_nothing() -> None:
    allowances = Allowances()
    assert not allowances.alone(SUBJECT, decision(remaining=0, allowed=False)).allowed
    assert allowances.told(SUBJECT, decision(remaining=0)).allowed


@pytest.mark.parametrize(("left", "each"), [(6, 3), (5, 2), (1, 0), (0, 0)])
def test_two_gateways_grant_half_each_of_what_redis_had_left(left: int, each: int) -> None:
    allowances = Allowances()
    allowances.told(SUBJECT, decision(remaining=left))
    assert sum(allowances.alone(SUBJECT, decision(), gateways=2).allowed for _ in range(5)) == each


def test_the_other_gateway_is_taken_to_have_granted_as_much_without_redis() -> None:
    allowances = Allowances()
    assert granted_alone(allowances, 2) == 2
    answers = [allowances.told(SUBJECT, decision(remaining=left), gateways=2) for left in (5, 4, 3, 2)]
    assert [answer.allowed for answer in answers] == [True, True, False, False]


def test_subjects_are_apart_and_no_more_are_remembered_than_memory_is_meant_for() -> None:
    allowances = Allowances()
    allowances.told(SUBJECT, decision(remaining=0))
    assert allowances.alone(OTHER, decision()).allowed
    for number in range(MAX_SUBJECTS + 5):
        allowances.told(("acme", str(number), "User"), decision())
    assert len(allowances._subjects) == MAX_SUBJECTS
