"""Schema changes, oldest first in versions/. Only migrate.py runs them."""

from pathlib import Path
from typing import Final

# The schema that this release needs, known without importing what migrates (a test compares the two).
NEWEST: Final = max(path.name[:4] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))
