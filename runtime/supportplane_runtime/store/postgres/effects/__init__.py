"""How each kind of effect is written on PostgreSQL: a module of the kind's name, which holds its CLAUSE.

A kind of domain/ending.py without a module keeps the store from being imported, and so every process from starting.
"""

from importlib import import_module
from typing import Any, Final

from supportplane_runtime.domain.ending import KINDS
from supportplane_runtime.store.postgres.clause import Clause

CLAUSES: Final[dict[str, Clause[Any]]] = {kind: import_module(f"{__name__}.{kind}").CLAUSE for kind in KINDS}
