import pytest

from supportplane_runtime import errors
from supportplane_runtime.errors import RuntimeFault, fault_of

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RuntimeFault)]


class AwayForNow(errors.StoreUnavailable):
    """A special kind that says the same to callers as the general one."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_is_found_by_its_code_with_its_type_and_what_it_says(kind: type[RuntimeFault]) -> None:
    found = fault_of(kind.code, "Why.", retry_after_s=7, retryable=not kind.retryable, status_code=599, title="Else")
    assert type(found) is kind
    assert (found.detail, found.retry_after_s) == ("Why.", 7)
    assert (found.status_code, found.retryable, found.title) == (kind.status_code, kind.retryable, kind.title)


def test_of_kinds_with_one_code_the_general_one_is_found() -> None:
    assert type(fault_of(AwayForNow.code, "Away.")) is errors.StoreUnavailable


def test_a_code_of_another_release_is_kept_with_its_decision() -> None:
    found = fault_of("brand-new", "New.", retry_after_s=3, retryable=True, status_code=507, title="New thing")
    assert (found.code, found.detail, found.retry_after_s) == ("brand-new", "New.", 3)
    assert (found.retryable, found.status_code, found.title) == (True, 507, "New thing")
    assert RuntimeFault.code == "internal"
