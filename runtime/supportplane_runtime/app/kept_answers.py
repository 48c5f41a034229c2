"""What kept answers depend on, from the agent file and the settings of a process. Called by worker.py."""

import hashlib
from importlib.metadata import version

from supportplane_runtime.app.clients import AgentClients
from supportplane_runtime.app.database import kept_answers_secret
from supportplane_runtime.orchestrator.repeated import Keeping
from supportplane_runtime.store.redis.answers import RedisKeptAnswers
from supportplane_runtime.store.redis.link import RedisLink


async def keeping_answers(clients: AgentClients, model: str, link: RedisLink) -> Keeping:
    """model: the name of the one that may write. Raises StoreUnavailable."""
    names = [ref.name for ref in clients.file.agent.spec.template.knowledge]

    async def read_version() -> str | None:
        return await clients.store.readings.version(clients.tenant, names)

    secret = await kept_answers_secret(clients.store, clients.tenant)
    return Keeping(RedisKeptAnswers(link), read_version, secret, _made_by(clients, model))


def _made_by(clients: AgentClients, model: str) -> str:
    """Another text for another release, agent file or model."""
    file = clients.file
    documents = (file.agent, *file.model_endpoints, *file.knowledge_bases)
    facts = [version("supportplane"), model, clients.settings.revision or "", clients.settings.model_url or ""]
    facts += [each.model_dump_json() for each in documents]
    return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()
