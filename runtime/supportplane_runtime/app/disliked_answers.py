"""Ends the kept answer to a question whose answer was rated down. Called by customers.py."""

from dataclasses import dataclass, field

import structlog

from supportplane_runtime.app.database import kept_answers_secret
from supportplane_runtime.errors import CacheUnavailable
from supportplane_runtime.orchestrator.equal_questions import place_of_question
from supportplane_runtime.store.interfaces.answers import KeptAnswers
from supportplane_runtime.store.interfaces.store import Store
from supportplane_runtime.store.redis.answers import RedisKeptAnswers
from supportplane_runtime.store.redis.link import RedisLink

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptDislikedAnswers:
    """Satisfies the gateway's DislikedAnswers. A rating is never refused because Redis is away: then the kept answer
    may be told once Redis is back, which the log says.
    """

    answers: KeptAnswers
    secret: bytes = field(repr=False)

    async def end(self, tenant: str, agent: str | None, question: str) -> None:
        place = place_of_question(self.secret, tenant, agent or "", question)
        try:
            await self.answers.end(tenant, agent or "", place)
        except CacheUnavailable:
            log.warning("kept_answer_not_ended", agent=agent)


async def disliked_answers(store: Store, tenant: str, link: RedisLink) -> KeptDislikedAnswers:
    """Raises StoreUnavailable."""
    return KeptDislikedAnswers(RedisKeptAnswers(link), await kept_answers_secret(store, tenant))
