"""The CloudNativePG Cluster of an agent: a PostgreSQL with pgvector, whose Secret the agent's pods read."""

from supportplane_crds import names
from supportplane_operator import snapshot as seen
from supportplane_operator.render.meta import compact, labels, metadata
from supportplane_operator.render.plan import Plan
from supportplane_operator.render.pod import pull_secrets
from supportplane_operator.snapshot import Manifest

DATABASE = "supportplane"


def cluster(plan: Plan) -> Manifest | None:
    wanted = plan.cnpg
    if wanted is None or not plan.snapshot.has(seen.CNPG_CLUSTER):
        return None
    spec = {
        "instances": wanted.instances,
        "imagePullSecrets": pull_secrets(plan.pull_secrets),
        "storage": {"size": wanted.storage_size, "storageClass": wanted.storage_class_name},
        "bootstrap": {
            "initdb": {
                "database": DATABASE,
                "owner": DATABASE,
                # The agent's own user may not create extensions.
                "postInitApplicationSQL": ["CREATE EXTENSION IF NOT EXISTS vector"],
            }
        },
    }
    owner = None if plan.keeps_data else plan.snapshot.raw
    of = labels(plan.name, names.COMPONENT_DATABASE)
    meta = metadata(names.database(plan.name), plan.namespace, of=of, owned_by=owner)
    return compact({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": meta, "spec": spec})
