"""A snapshot to the decisions that several objects share: images, stores, routes, revisions, names of hosts.

``reconcile`` makes one plan of each snapshot and hands it to ``render``, ``checks`` and ``conditions``, so that the
status speaks of the decisions that the manifests were made by.
"""

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from supportplane_crds import KnowledgeBase, Mode, ModelEndpoint, names
from supportplane_crds.exposure import Ingress
from supportplane_crds.persistence import CloudNativePG, DeletionPolicy, ManagedWeaviate, Weaviate
from supportplane_crds.references import GatewayRef
from supportplane_crds.scaling import Autoscaling, AutoscalingProvider
from supportplane_crds.serving import Serving
from supportplane_crds.workloads import Workload
from supportplane_operator import snapshot as seen
from supportplane_operator.images import relocated
from supportplane_operator.render import config
from supportplane_operator.revision import digest, revision_of, runtime_image
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import Manifest, Snapshot

DEFAULT_REPLICAS = 2  # one may be away without anybody noticing
_PAUSED = "true"


@dataclass(frozen=True)
class Plan:
    """One agent, decided. Everything is derived from the two fields, once."""

    snapshot: Snapshot
    settings: Settings

    @property
    def name(self) -> str:
        return self.snapshot.name

    @property
    def namespace(self) -> str:
        return self.snapshot.namespace

    # What pods run.

    @cached_property
    def runtime_image(self) -> str:
        return relocated(runtime_image(self.snapshot, self.settings), self.settings.image_registry)

    @property
    def redis_image(self) -> str:
        of_class = self.snapshot.agent_class.spec.images.redis if self.snapshot.agent_class else None
        return relocated(of_class or self.settings.redis_image, self.settings.image_registry)

    @property
    def weaviate_image(self) -> str:
        of_class = self.snapshot.agent_class.spec.images.weaviate if self.snapshot.agent_class else None
        return relocated(of_class or self.settings.weaviate_image, self.settings.image_registry)

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Names of Secrets: those of the agent, else of its class, else of this installation."""
        of_class = self.snapshot.agent_class.spec.images.image_pull_secrets if self.snapshot.agent_class else ()
        named = self.snapshot.agent.spec.images.image_pull_secrets or of_class
        return tuple(each.name for each in named) or self.settings.image_pull_secrets

    def workload(self, role: str) -> Workload:
        """The agent's own words replace those of its class as a whole. A role that the contract has no words for runs
        as its row in the table of roles says.
        """
        of_agent: Workload | None = getattr(self.snapshot.agent.spec.workloads, role, None)
        agent_class = self.snapshot.agent_class
        of_class: Workload | None = getattr(agent_class.spec.workloads, role, None) if agent_class else None
        return of_agent or of_class or Workload()

    # Where state is.

    @property
    def database_secret(self) -> str | None:
        """Name of the Secret with the database's URL; None when no database is named anywhere."""
        database = self.snapshot.agent.spec.persistence.database
        if database is not None:
            return database.secret_ref.name if database.secret_ref else names.database_secret(self.name)
        of_class = self.snapshot.agent_class.spec.database if self.snapshot.agent_class else None
        return of_class.secret_ref.name if of_class else None

    @property
    def cnpg(self) -> CloudNativePG | None:
        database = self.snapshot.agent.spec.persistence.database
        return database.cloud_native_pg if database else None

    @property
    def cache_secret(self) -> str | None:
        """Name of the Secret with the cache's URL; None for a managed cache or none at all."""
        cache = self.snapshot.agent.spec.persistence.cache
        if cache is not None:
            return cache.secret_ref.name if cache.secret_ref else None
        of_class = self.snapshot.agent_class.spec.cache if self.snapshot.agent_class else None
        return of_class.secret_ref.name if of_class else None

    @property
    def has_managed_cache(self) -> bool:
        cache = self.snapshot.agent.spec.persistence.cache
        return cache is not None and cache.managed is not None

    @property
    def weaviate(self) -> Weaviate | None:
        store = self.snapshot.agent.spec.persistence.vector_store
        return store.weaviate if store else None

    @property
    def managed_weaviate(self) -> ManagedWeaviate | None:
        return self.weaviate.managed if self.weaviate else None

    @property
    def keeps_data(self) -> bool:
        return self.snapshot.agent.spec.persistence.deletion_policy is DeletionPolicy.KEEP

    # How it is reached.

    @property
    def hostnames(self) -> tuple[str, ...]:
        return self.snapshot.agent.spec.gateway.hostnames

    @property
    def parent_refs(self) -> tuple[GatewayRef, ...]:
        gateway = self.snapshot.agent.spec.gateway
        if gateway.parent_refs or gateway.ingress or not gateway.hostnames or not self.snapshot.agent_class:
            return gateway.parent_refs
        return self.snapshot.agent_class.spec.gateway.parent_refs

    @property
    def ingress(self) -> Ingress | None:
        gateway = self.snapshot.agent.spec.gateway
        if gateway.ingress or self.parent_refs or not gateway.hostnames or not self.snapshot.agent_class:
            return gateway.ingress
        class_name = self.snapshot.agent_class.spec.gateway.ingress_class_name
        return Ingress(class_name=class_name) if class_name else None

    # How many pods.

    @property
    def autoscaling(self) -> Autoscaling | None:
        return self.snapshot.agent.spec.scaling.autoscaling

    @property
    def has_hpa(self) -> bool:
        return self.autoscaling is not None and self.autoscaling.provider is AutoscalingProvider.HPA

    @property
    def has_keda(self) -> bool:
        return self.autoscaling is not None and self.autoscaling.provider is AutoscalingProvider.KEDA

    @property
    def replicas(self) -> int | None:
        """None while an autoscaler owns the number. Without KEDA the fewest pods that were asked for."""
        if self.autoscaling is None:
            wanted = self.snapshot.agent.spec.scaling.replicas
            return DEFAULT_REPLICAS if wanted is None else wanted
        is_owned = self.has_hpa or self.snapshot.has(seen.SCALED_OBJECT)
        return None if is_owned else self.autoscaling.min_replicas

    @property
    def least_replicas(self) -> int:
        return self.autoscaling.min_replicas if self.autoscaling else self.replicas or 0

    @property
    def most_gateways(self) -> int:
        """Gateways that share the rate limits: as many as there may be at the same time, apart from a roll-out."""
        return self.autoscaling.max_replicas if self.autoscaling else max(1, self.replicas or 0)

    # The model and the documents.

    @property
    def endpoint(self) -> ModelEndpoint | None:
        return self.snapshot.endpoint

    @property
    def serving(self) -> Serving | None:
        return self.endpoint.spec.serving if self.endpoint else None

    @property
    def model_url(self) -> str | None:
        """Of a model that runs on this cluster; an endpoint with a URL of its own stands in the agent file."""
        if self.endpoint is None or self.endpoint.spec.url is not None:
            return None
        return config.model_url(self.endpoint.name, self.namespace)

    @property
    def model_host(self) -> tuple[str, int] | None:
        """Host and port of an endpoint with a URL."""
        return _address(self.endpoint.spec.url) if self.endpoint and self.endpoint.spec.url else None

    @property
    def judge(self) -> ModelEndpoint | None:
        """Of the judge, where it is another endpoint than the writer's."""
        judge, endpoint = self.snapshot.judge, self.endpoint
        return None if judge is None or (endpoint is not None and judge.name == endpoint.name) else judge

    @property
    def is_judge_missing(self) -> bool:
        return self.snapshot.agent.spec.template.model.judge_ref is not None and self.snapshot.judge is None

    @property
    def judge_host(self) -> tuple[str, int] | None:
        """Host and port of a judge with a URL."""
        return _address(self.judge.spec.url) if self.judge and self.judge.spec.url else None

    @property
    def weaviate_host(self) -> tuple[str, int] | None:
        """Host and port of the user's own Weaviate."""
        return _address(self.weaviate.url) if self.weaviate and self.weaviate.url else None

    @property
    def bases(self) -> tuple[KnowledgeBase, ...]:
        """In the order in which the agent names them."""
        found = {base.name: base for base in self.snapshot.bases}
        return tuple(found[each.name] for each in self.snapshot.agent.spec.template.knowledge if each.name in found)

    @property
    def missing_bases(self) -> tuple[str, ...]:
        found = {base.name for base in self.snapshot.bases}
        return tuple(each.name for each in self.snapshot.agent.spec.template.knowledge if each.name not in found)

    @property
    def is_blocked(self) -> bool:
        """Something that is named does not exist: what runs stays as it is rather than becoming worse."""
        spec = self.snapshot.agent.spec
        is_classless = spec.class_ref is not None and self.snapshot.agent_class is None
        is_dangling = spec.mode is Mode.AUTO and (
            self.endpoint is None or self.is_judge_missing or bool(self.missing_bases)
        )
        return is_classless or is_dangling or self.database_secret is None or not self._has_cache

    @property
    def is_paused(self) -> bool:
        """A person has asked that nothing of the agent be changed."""
        annotations = self.snapshot.raw.get("metadata", {}).get("annotations") or {}
        return bool(annotations.get(names.ANNOTATION_PAUSED) == _PAUSED)

    @property
    def _has_cache(self) -> bool:
        return self.has_managed_cache or self.cache_secret is not None

    # Revisions.

    @cached_property
    def revision(self) -> str:
        """The one that is wanted."""
        return revision_of(self.snapshot, self.settings)

    @cached_property
    def running_revision(self) -> str | None:
        """The one that the Service selects and that still has a Deployment."""
        service = self.snapshot.child("Service", names.orchestrator(self.name))
        selected = ((service or {}).get("spec", {}).get("selector") or {}).get(names.LABEL_REVISION)
        return selected if selected and self.deployment(selected) else None

    def deployment(self, revision: str) -> Manifest | None:
        return self.snapshot.child("Deployment", names.orchestrator(self.name, revision))

    # The agent file.

    @cached_property
    def agent_file(self) -> str:
        return config.agent_file(self.snapshot, self.bases)

    @cached_property
    def config_hash(self) -> str:
        return digest([self.agent_file, self.settings.status_jwks])


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
