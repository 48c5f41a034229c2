"""What rate limits count by: one table from a limit's scope to the subject of a request, and the words of a refusal.

Pure. http/callers.py counts and refuses by it, shares.py shares places by the same asker. A further scope is a line in
``SUBJECT_OF`` and in ``WHO``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from supportplane_crds.support_agent import LimitScope
from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.errors import RateLimited
from supportplane_runtime.store.interfaces.limits import LimitDecision

# Requests of a visitor in a window that its address does not count: opening the page, a question, the thumb, and the
# same again. A neighbour at full speed behind the same address cannot take them.
FREE_OF_ADDRESS: Final = 5


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom a request is counted for. source: what the address counts by, None where it is not known (a proxy's own)."""

    caller: Caller
    source: str | None = None

    @property
    def user(self) -> str | None:
        """A visitor or a user of the chat page. A secret key's user id is the word of the server that holds the key."""
        if self.caller.kind is CallerKind.KEY:
            return None
        return f"{self.caller.key_id}:{self.caller.user_id}"

    @property
    def address(self) -> str | None:
        """Of visitors only: sessions begin with a link from a person who runs the agent, servers have their key."""
        return self.source if self.caller.kind is CallerKind.WIDGET else None


@dataclass(frozen=True, slots=True)
class Counted:
    """A request counted for one scope."""

    scope: LimitScope
    decision: LimitDecision


def _secret_key(asker: Asker) -> str | None:
    """A publishable key stands in every page of a website: a limit on it would be one for all its visitors."""
    return asker.caller.key_id if asker.caller.kind is CallerKind.KEY else None


def _user(asker: Asker) -> str | None:
    return asker.user


def _address(asker: Asker) -> str | None:
    return asker.address


# In the order in which they are counted: what the user's own limit refuses takes nothing from the address.
SUBJECT_OF: Final[dict[LimitScope, Callable[[Asker], str | None]]] = {
    LimitScope.API_KEY: _secret_key,
    LimitScope.USER: _user,
    LimitScope.IP: _address,
}

WHO: Final[dict[LimitScope, str]] = {
    LimitScope.API_KEY: "This key",
    LimitScope.USER: "This user",
    LimitScope.IP: "The visitors of this address together",
}


def subject(scope: LimitScope, asker: Asker, before: Sequence[Counted]) -> str | None:
    """What the request is counted by, None where this scope does not count it. before: what was counted of it."""
    if scope is LimitScope.IP and _is_light(before):
        return None
    return SUBJECT_OF[scope](asker)


def _is_light(before: Sequence[Counted]) -> bool:
    """One of a user's first requests in a window."""
    used = [each.decision.limit - each.decision.remaining for each in before if each.scope is LimitScope.USER]
    return bool(used) and used[0] <= FREE_OF_ADDRESS


def limit_headers(counted: Sequence[Counted]) -> list[tuple[bytes, bytes]]:
    """As draft-ietf-httpapi-ratelimit-headers-10 names them: each policy with its quota, what remains, for how long."""
    policies = (f'"{each.scope}";q={each.decision.limit};w={each.decision.window_s}' for each in counted)
    states = (f'"{each.scope}";r={each.decision.remaining};t={each.decision.reset_after_s}' for each in counted)
    return [(b"ratelimit-policy", ", ".join(policies).encode()), (b"ratelimit", ", ".join(states).encode())]


def exceeded(counted: Counted, asker: Asker) -> RateLimited:
    """The refusal: what was exceeded, the allowance and the wait, each once."""
    decision = counted.decision
    is_visitor = counted.scope is LimitScope.USER and asker.caller.kind is CallerKind.WIDGET
    who = "This visitor" if is_visitor else WHO[counted.scope]
    wait_s = max(1, decision.reset_after_s)
    return RateLimited(
        f"{who} may send {decision.limit} requests in {seconds(decision.window_s)}. Wait {seconds(wait_s)}.",
        retry_after_s=wait_s,
        scope=counted.scope,
    )


def seconds(count: int) -> str:
    return "1 second" if count == 1 else f"{count} seconds"
