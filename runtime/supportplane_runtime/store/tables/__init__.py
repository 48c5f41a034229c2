"""The tables of the store as they are today, a module a subject. A test compares them with what the migrations make.

Every primary and foreign key begins with the tenant, so no row can point at another tenant's, whatever the code above
does (ADR 0007). At run time nothing imports this package: the statements in postgres/ are text, prepared once.
"""

import importlib
import pkgutil

from supportplane_runtime.store.tables.columns import metadata

__all__ = ["metadata"]

# A module adds its tables to the metadata when it is imported, so that a new subject is a new file and nothing else.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
