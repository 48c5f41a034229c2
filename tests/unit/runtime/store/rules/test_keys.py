import pytest

from supportplane_runtime.errors import InvalidRequest
from supportplane_runtime.store.rules.keys import ensure_key_name


@pytest.mark.parametrize("name", ["shop-backend", "Büro 2", "ключ 👩\u200d👧", "\u200fמפתח"])
def test_a_key_may_be_named_in_every_script(name: str) -> None:
    assert ensure_key_name(name) == name


@pytest.mark.parametrize(
    ("name", "where"),
    [("a\x1b[0m", "2 is U+001B"), ("\u202ea", "1 is U+202E"), ("ab\n", "3 is U+000A"), ("\0", "1 is U+0000")],
)
def test_a_name_with_a_control_character_is_refused_and_told_where_it_stands(name: str, where: str) -> None:
    with pytest.raises(InvalidRequest, match=f"character {where.replace('+', '[+]')}"):
        ensure_key_name(name)
