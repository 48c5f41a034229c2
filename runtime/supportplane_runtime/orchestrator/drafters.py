"""Who drafts the sentences of an answer: the passages themselves, or a model that is given them.

With ``writing: Verified`` the model writes, bound by a JSON schema to name the passage of each sentence. Otherwise, or
when the model is away or nothing of what it wrote holds, sentences are taken from the passages. Called by
nodes/answer.py and nodes/verify.py; nothing of a draft is used before nodes/verify.py has checked it.
"""

import secrets
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.model.interfaces import ChatModel, Generation
from supportplane_runtime.orchestrator import prompt
from supportplane_runtime.orchestrator.drafts import Draft, Drafts
from supportplane_runtime.orchestrator.grounding import extract, unsaid
from supportplane_runtime.orchestrator.language import spoken_language
from supportplane_runtime.orchestrator.policy import WritingPolicy
from supportplane_runtime.orchestrator.state import Understanding
from supportplane_runtime.orchestrator.written import drafts_in
from supportplane_runtime.rag.search.interfaces import Retrieval


class Drafter(Protocol):
    def drafts(self, turn: Turn, known: Understanding, retrieval: Retrieval) -> Drafts:
        """Sentences in the order of the answer, as they come. May raise ModelUnavailable, before or between them."""
        ...


@dataclass(frozen=True, slots=True)
class PassageDrafter:
    """Drafts are runs of the passages, word for word. said: sentences that the answer has already."""

    said: frozenset[str] = frozenset()

    async def drafts(self, _: Turn, known: Understanding, retrieval: Retrieval) -> Drafts:
        for draft in _not_shown(extract(known.question, retrieval), known):
            for part in unsaid(draft, self.said, retrieval):
                yield part


def _not_shown(drafts: list[Draft], known: Understanding) -> list[Draft]:
    """Without what the answers that a follow-up leans on have shown: it is quoted again only where nothing else
    answers, and never when it did not help, when we asked what is missing, or when the follow-up hardly says so.
    """
    ground = known.ground
    new = [draft for draft in drafts if not any(draft.text in answer for answer in ground.shown)]
    is_no_use = ground.rejected or ground.asked_back or known.says_little
    return new if new or is_no_use else drafts


@dataclass(frozen=True, slots=True)
class ModelDrafter:
    """A model that may write, and how."""

    model: ChatModel
    policy: WritingPolicy

    async def drafts(self, turn: Turn, known: Understanding, retrieval: Retrieval) -> Drafts:
        evidence = prompt.fitting(retrieval.evidence)
        asked = prompt.messages(
            known.question,
            evidence,
            language=spoken_language(known.language).name,
            instructions=self.policy.instructions,
            context=turn.context,
            code=secrets.token_hex(4),
        )
        generation = Generation(
            max_tokens=self.policy.max_tokens,
            temperature=self.policy.temperature,
            schema=prompt.answer_schema(len(evidence)),
        )
        async with aclosing(self.model.stream(asked, generation)) as deltas:
            async for draft in drafts_in(deltas, passages=len(evidence)):
                yield draft
