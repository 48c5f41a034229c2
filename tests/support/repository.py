"""Where the repository's files are, for tests that read or run them."""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
TESTS: Final = REPOSITORY / "tests"
# Each is started by one kind of test, in a process of its own that the test may kill.
PROGRAMS: Final = TESTS / "support" / "programs"
