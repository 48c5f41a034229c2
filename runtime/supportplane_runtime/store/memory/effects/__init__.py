"""How each kind of effect is written in memory: a module of the kind's name, which holds its ``apply``."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from supportplane_runtime.domain.answer import Answer
from supportplane_runtime.domain.ending import KINDS
from supportplane_runtime.store.memory.state import State, TurnRow

# Changes the state, and returns the answer with what the effect says in it.
Apply = Callable[[State, TurnRow, Any, Answer], Answer]

APPLY: Final[dict[str, Apply]] = {kind: import_module(f"{__name__}.{kind}").apply for kind in KINDS}
