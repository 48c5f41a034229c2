"""Who asks: the authenticated caller as every layer sees it. Made by the gateway's authentication only."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do; a key holds a set of them."""

    INVOKE = "invoke"  # ask questions, give feedback on one's own turns
    READ = "read"  # read conversations, tickets and feedback of the whole tenant
    ADMIN = "admin"  # keys, ingestion state


class CallerKind(StrEnum):
    KEY = "key"  # a secret API key: a server that vouches for its users
    SESSION = "session"  # the chat page, made from a one-time link
    WIDGET = "widget"  # a publishable key on a bound origin


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    user_id is fixed for sessions and widgets (they may only act as themselves) and None for keys, which name
    their users in each request. key_id is what rate limits and audit count by, never the secret.
    """

    tenant: str
    key_id: str
    kind: CallerKind
    scopes: frozenset[Scope]
    user_id: str | None = None

    @property
    def sees_the_tenant(self) -> bool:
        """Every user's things, and not only its own user's or what it asked for itself."""
        return self.user_id is None and self.may(Scope.READ)

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes
