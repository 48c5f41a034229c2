"""What an API server answers when the server refuses a request: a sentence in a Status object, a code, a reason.

``operations`` and the pure parts below raise a ``Refused``; ``serving`` writes the Status out. ``not_modelled`` is for
whatever a real API server can do and this one cannot: a test that needs more must fail, not pass by luck.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """The object that a refusal is about. kind: the plural, or the kind where the object is invalid."""

    name: str
    kind: str
    group: str = ""

    @property
    def title(self) -> str:
        return f'{self.kind}.{self.group} "{self.name}"' if self.group else f'{self.kind} "{self.name}"'

    def details(self) -> dict[str, Any]:
        return {"name": self.name, **({"group": self.group} if self.group else {}), "kind": self.kind}


@dataclass
class Refused(Exception):
    """code: of HTTP. reason: the API server's word for the code, empty where the API server has none."""

    code: int
    reason: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that is wrong, with the sentence about the field."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def entry(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}


def not_modelled(what: str) -> Refused:
    return Refused(501, "NotModelled", f"the API server in memory does not model {what}")


def not_found(about: About) -> Refused:
    return Refused(404, "NotFound", f"{about.title} not found", about.details())


def no_such_resource() -> Refused:
    return Refused(404, "NotFound", "the server could not find the requested resource")


def already_exists(about: About) -> Refused:
    return Refused(409, "AlreadyExists", f"{about.title} already exists", about.details())


def modified_meanwhile(about: About) -> Refused:
    words = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(about, words)


def conflict(about: About, words: str) -> Refused:
    return Refused(409, "Conflict", f"Operation cannot be fulfilled on {about.title}: {words}", about.details())


def bad_request(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


def expired(message: str) -> Refused:
    return Refused(410, "Expired", message)


def invalid(about: About, causes: list[Cause]) -> Refused:
    sentences = [f"{each.field}: {each.message}" for each in causes]
    told = sentences[0] if len(sentences) == 1 else f"[{', '.join(sentences)}]"
    details = {**about.details(), "causes": [each.entry() for each in causes]}
    return Refused(422, "Invalid", f"{about.title} is invalid: {told}", details)


def untyped(what: str, problem: str) -> Refused:
    """The answer to an apply with a field that the kind does not have; the API server calls its own failure."""
    return Refused(500, "", f"failed to create typed patch object ({what}): {problem}")


def fields_of_others(conflicts: list[tuple[str, str]]) -> Refused:
    """conflicts: who owns the field, and the field."""
    causes = [Cause(path, f"conflict with {owner}", "FieldManagerConflict").entry() for owner, path in conflicts]
    count = f"{len(conflicts)} conflict" + ("s" if len(conflicts) > 1 else "")
    owners = sorted({owner for owner, _ in conflicts})
    told = "; ".join(
        f"conflict with {owner}: {', '.join(path for each, path in conflicts if each == owner)}" for owner in owners
    )
    return Refused(409, "Conflict", f"Apply failed with {count}: {told}", {"causes": causes})
