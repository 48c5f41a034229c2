"""The contract's errors: what is wrong with an agent file, where, and what would be right.

ContractError
+-- InvalidAgentFile      ``problems``: every mistake found, each a ``Problem`` with path, line and a sentence
+-- InvalidObject         the same of one object that was read from an API server, so without lines
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. ``str()`` is the sentence for people.

    path: such as spec.template.knowledge[0].name, empty for the whole document. line, column: from 1, None where the
    file has none. document: kind and name, such as SupportAgent/helpdesk. allowed: what could stand there, where that
    is a short list. suggestion: the one of ``allowed`` that was probably meant.
    """

    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    document: str | None = None
    allowed: tuple[str, ...] = ()
    suggestion: str | None = None

    @property
    def is_unfamiliar(self) -> bool:
        """A field or word that this version does not know. Of a stored object: one that another version may know."""
        return self.message.startswith("unknown ")

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        sentence = f"{self.path}: {self.message}" if self.path else self.message
        meant = f"; did you mean {self.suggestion}?" if self.suggestion else ""
        allowed = f" (allowed: {', '.join(self.allowed)})" if self.allowed else ""
        return where + sentence + meant + allowed


class ContractError(Exception):
    """Root of the contract's errors."""


class InvalidAgentFile(ContractError):
    """An agent file that cannot be used. problems: never empty, in the order of their lines."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        super().__init__("\n".join([f"{path} is not a valid agent file:", *(f"  {p}" for p in self.problems)]))


class InvalidObject(ContractError):
    """A stored object that cannot be used. label: kind and name. problems: never empty."""

    def __init__(self, label: str, problems: list[Problem]) -> None:
        self.label = label
        self.problems = tuple(problems)
        super().__init__(f"{label} is not valid: {'; '.join(map(str, problems))}")

    @property
    def is_of_another_version(self) -> bool:
        """Whether all that is wrong are fields and words that this version does not know."""
        return all(problem.is_unfamiliar for problem in self.problems)
