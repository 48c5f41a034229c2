from dataclasses import fields
from typing import get_args

import pytest

from support.runtime.store_samples import ANSWER, WISH
from supportplane_runtime.domain.ending import KINDS, Effect, Ending, OpenTicket
from supportplane_runtime.store.memory.effects import APPLY
from supportplane_runtime.store.postgres.effects import CLAUSES


def test_every_kind_of_effect_is_written_by_both_stores() -> None:
    kinds = get_args(Effect) or (Effect,)
    assert {field.default for kind in kinds for field in fields(kind) if field.name == "kind"} == set(KINDS)
    assert set(CLAUSES) == set(APPLY) == set(KINDS)


def test_an_ending_has_at_most_one_effect_of_a_kind() -> None:
    assert Ending(ANSWER, (WISH,)).effect(OpenTicket) is WISH
    assert Ending(ANSWER).effect(OpenTicket) is None
    with pytest.raises(ValueError, match="at most one effect of a kind"):
        Ending(ANSWER, (WISH, WISH))
