"""What defines an agent's behaviour, to ten characters: the revision. ``render`` names workloads by it.

Whatever changes how the agent answers changes it; how many pods there are, how it is reached and which mode it is in
do not. Two clusters with the same objects and images have the same revision.
"""

import hashlib
import json
from typing import Any

from supportplane_crds import KnowledgeBase, ModelEndpoint
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import Snapshot

DIGEST_LENGTH = 10  # 40 bits: children of 40-character agents keep within 63 characters
_ANSWERS_BY = ("engine", "image", "model")  # of a model server; its size, place and GPUs change nothing it says


def digest(value: Any) -> str:
    """Of anything that JSON can hold, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def runtime_image(snapshot: Snapshot, settings: Settings) -> str:
    """The agent's own, else its class's, else this installation's."""
    of_class = snapshot.agent_class.spec.images.runtime if snapshot.agent_class else None
    return snapshot.agent.spec.images.runtime or of_class or settings.runtime_image


def revision_of(snapshot: Snapshot, settings: Settings) -> str:
    """The revision that is wanted now."""
    spec = snapshot.agent.spec
    return digest(
        {
            "template": spec.template.dump(),
            "tenant": spec.tenant.dump(),
            "image": runtime_image(snapshot, settings),
            "model": _model(snapshot.endpoint),
            **({"judge": _model(snapshot.judge)} if snapshot.judge is not None else {}),
            "knowledge": {base.name: _documents(base) for base in snapshot.bases},
        }
    )


def _model(endpoint: ModelEndpoint | None) -> Any:
    if endpoint is None:
        return None
    spec = endpoint.spec.dump()
    if endpoint.spec.serving is not None:
        spec["serving"] = {key: spec["serving"][key] for key in _ANSWERS_BY}
    return spec


def _documents(base: KnowledgeBase) -> Any:
    return base.spec.dump()
