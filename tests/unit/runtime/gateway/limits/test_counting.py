import pytest

from supportplane_crds.support_agent import LimitScope
from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.gateway.limits.counting import FREE_OF_ADDRESS, SUBJECT_OF, Asker, Counted, subject
from supportplane_runtime.store.interfaces.limits import LimitDecision

KEY, USER, IP = LimitScope.API_KEY, LimitScope.USER, LimitScope.IP
SERVER = Caller("acme", "k1", CallerKind.KEY, frozenset())
VISITOR = Caller("acme", "p1", CallerKind.WIDGET, frozenset(), "widget-1")
PERSON = Caller("acme", "session:ada", CallerKind.SESSION, frozenset(), "ada")
ADDRESS = "198.51.100.7"


@pytest.mark.parametrize(
    ("asker", "expected"),
    [
        (Asker(SERVER, ADDRESS), {KEY: "k1", USER: None, IP: None}),
        (Asker(VISITOR, ADDRESS), {KEY: None, USER: "p1:widget-1", IP: ADDRESS}),
        (Asker(VISITOR, None), {KEY: None, USER: "p1:widget-1", IP: None}),
        (Asker(PERSON, ADDRESS), {KEY: None, USER: "session:ada:ada", IP: None}),
    ],
    ids=["a server", "a visitor", "a visitor of no known address", "a user of the chat page"],
)
def test_each_scope_counts_by_its_own_subject(asker: Asker, expected: dict[LimitScope, str | None]) -> None:
    assert {scope: counted_by(asker) for scope, counted_by in SUBJECT_OF.items()} == expected


@pytest.mark.parametrize(("used", "expected"), [(1, None), (FREE_OF_ADDRESS, None), (FREE_OF_ADDRESS + 1, ADDRESS)])
def test_an_address_does_not_count_the_first_requests_of_a_visitor(used: int, expected: str | None) -> None:
    decision = LimitDecision(allowed=True, limit=60, remaining=60 - used, reset_after_s=1, window_s=60)
    assert subject(IP, Asker(VISITOR, ADDRESS), [Counted(USER, decision)]) == expected
