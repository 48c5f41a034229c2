from datetime import UTC, datetime

import pytest

from supportplane_runtime.store.rules.readings import Times, version_of

EARLY, LATE = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "is_known"),
    [
        ((None, None), False),
        ((EARLY, None), True),
        ((None, EARLY), False),
        ((LATE, EARLY), True),
        ((EARLY, LATE), False),
    ],
    ids=["never read", "read by an earlier release", "the first is going on", "read", "going on or broken off"],
)
def test_documents_have_a_version_when_their_reading_has_ended(times: Times, is_known: bool) -> None:
    assert (version_of(["guide"], {"guide": times}) is not None) == is_known


def test_a_version_is_that_of_all_knowledge_bases_together() -> None:
    read: Times = (LATE, EARLY)
    both = version_of(["faq", "guide"], {"faq": read, "guide": read})
    assert both not in {None, version_of(["guide"], {"guide": read})}
    assert version_of(["faq", "guide"], {"guide": read}) is None
    assert version_of([], {}) is None
