"""The model server of a ModelEndpoint: TGI, vLLM, llama.cpp, or the model that comes with Supportplane.

All listen on the same port, answer /health and speak the OpenAI-compatible protocol; only their command lines differ.
"""

from collections.abc import Callable

from supportplane_crds import names
from supportplane_crds.serving import Serving, ServingEngine
from supportplane_operator.images import relocated
from supportplane_operator.render.config import model_name
from supportplane_operator.render.meta import compact, metadata
from supportplane_operator.render.network_policy import dns, network_policy
from supportplane_operator.render.pod import (
    container_security,
    default_resources,
    mount,
    probe,
    pull_secrets,
    restricted,
    tolerations,
    variable,
)
from supportplane_operator.render.quantity import canonical, resources
from supportplane_operator.render.service import http_port
from supportplane_operator.settings import Settings
from supportplane_operator.snapshot import EndpointSnapshot, Manifest

CACHE_DIR = "/models"
HUB_PORT = 443
DOWNLOAD_TRIES = 720  # every 5 s for an hour: 40 GB at 100 Mbit/s; a guess
_PORT = str(names.MODEL_PORT)


def manifests(snapshot: EndpointSnapshot, settings: Settings) -> tuple[Manifest, ...]:
    """In the order they are applied; none for an endpoint with a URL of its own."""
    serving = snapshot.endpoint.spec.serving
    if serving is not None:
        return (
            *_claims(snapshot, serving),
            _policy(snapshot),
            _service(snapshot),
            _deployment(snapshot, _served_pod(snapshot, serving, settings), serving.replicas),
        )
    if snapshot.endpoint.spec.embedded is not None:
        return (_policy(snapshot), _service(snapshot), _deployment(snapshot, _embedded_pod(snapshot, settings), 1))
    return ()


def labels(endpoint: str) -> dict[str, str]:
    return {
        names.LABEL_NAME: names.APP_NAME,
        names.LABEL_INSTANCE: endpoint,
        names.LABEL_COMPONENT: names.ROLE_MODEL,
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
        names.LABEL_MODEL: endpoint,
    }


def _meta(snapshot: EndpointSnapshot) -> Manifest:
    name = names.model(snapshot.name)
    return metadata(name, snapshot.namespace, of=labels(snapshot.name), owned_by=snapshot.raw)


def _selector(snapshot: EndpointSnapshot) -> dict[str, str]:
    return {names.LABEL_MODEL: snapshot.name}


def _deployment(snapshot: EndpointSnapshot, pod: Manifest, replicas: int) -> Manifest:
    spec = {
        "replicas": replicas,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": _selector(snapshot)},
        # Neither a volume for one node nor a GPU is there twice for the change from old to new.
        "strategy": {"type": "Recreate"},
        "template": {"metadata": {"labels": labels(snapshot.name)}, "spec": pod},
    }
    return compact({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _meta(snapshot), "spec": spec})


def _service(snapshot: EndpointSnapshot) -> Manifest:
    spec = {"type": "ClusterIP", "selector": _selector(snapshot), "ports": [http_port()]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _meta(snapshot), "spec": spec}


def _claims(snapshot: EndpointSnapshot, serving: Serving) -> tuple[Manifest, ...]:
    """The volume of a single pod, which outlives it. It is of one node, so several pods cannot share it."""
    if serving.replicas > 1:
        return ()
    kind = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return (compact({**kind, "metadata": _meta(snapshot), "spec": _storage(serving)}),)


def _storage(serving: Serving) -> Manifest:
    return {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": canonical(serving.cache_size)}},
        "storageClassName": serving.storage_class_name,
    }


def _policy(snapshot: EndpointSnapshot) -> Manifest:
    """In: pods of Supportplane in the namespace. Out: names, and the hub where a model is downloaded."""
    peer = {"podSelector": {"matchLabels": {names.LABEL_NAME: names.APP_NAME}}}
    ingress = {"from": [peer], "ports": [{"port": names.MODEL_PORT, "protocol": "TCP"}]}
    is_served = snapshot.endpoint.spec.serving is not None
    egress = [dns(), {"ports": [{"port": HUB_PORT, "protocol": "TCP"}]}] if is_served else []
    select = {"matchLabels": _selector(snapshot)}
    return network_policy(_meta(snapshot), select, ingress=[ingress], egress=egress)


# The model that comes with Supportplane


def _embedded_pod(snapshot: EndpointSnapshot, settings: Settings) -> Manifest:
    container = {
        "name": names.ROLE_MODEL,
        "image": relocated(snapshot.runtime_image or settings.runtime_image, settings.image_registry),
        "imagePullPolicy": settings.image_pull_policy,
        "command": [*names.RUNTIME_COMMAND, names.ROLE_MODEL],
        "env": [
            variable("DATA_DIR", names.DATA_DIR),
            variable("HTTP_HOST", "0.0.0.0"),
            variable("HTTP_PORT", _PORT),
            variable("MODEL_NAME", model_name(snapshot.endpoint)),
        ],
        "resources": default_resources(names.ROLE_MODEL),
        "volumeMounts": [mount("data", names.DATA_DIR), mount("tmp", "/tmp")],  # noqa: S108 -- the pod's own volume
        **_answering(failures=60),
    }
    volumes = [_scratch("data"), _scratch("tmp")]
    return restricted([container], volumes=volumes, imagePullSecrets=pull_secrets(settings.image_pull_secrets))


def _answering(*, failures: int) -> Manifest:
    """Port, probes and confinement of every model server. failures: of the startup probe, 5 s apart."""
    return {
        "ports": [{"name": names.PORT_NAME, "containerPort": names.MODEL_PORT, "protocol": "TCP"}],
        "startupProbe": probe("/health", period_s=5, failures=failures),
        "livenessProbe": probe("/health", period_s=20, failures=6),  # busy servers answer late
        "readinessProbe": probe("/health", period_s=5, failures=3),
        "securityContext": container_security(),
    }


def _scratch(name: str) -> Manifest:
    return {"name": name, "emptyDir": {}}


# Model servers of others


def _served_pod(snapshot: EndpointSnapshot, serving: Serving, settings: Settings) -> Manifest:
    container = {
        "name": names.ROLE_MODEL,
        "image": relocated(serving.image, settings.image_registry),
        "args": _ARGUMENTS[serving.engine](serving),
        "env": _environment(serving),
        "resources": _resources(serving),
        "volumeMounts": [mount("models", CACHE_DIR), mount("shm", "/dev/shm"), mount("tmp", "/tmp")],  # noqa: S108
        **_answering(failures=DOWNLOAD_TRIES),
    }
    volumes = _volumes(names.model(snapshot.name), serving)
    secrets = pull_secrets(settings.image_pull_secrets)
    return restricted([container], **_placement(serving), volumes=volumes, imagePullSecrets=secrets)


def _placement(serving: Serving) -> Manifest:
    return {"nodeSelector": dict(serving.node_selector) or None, "tolerations": tolerations(serving.tolerations)}


def _volumes(claim: str, serving: Serving) -> list[Manifest]:
    """Each of several pods downloads the model to a volume of its own, which goes with it."""
    of_its_own = {"ephemeral": {"volumeClaimTemplate": {"spec": _storage(serving)}}}
    return [
        {"name": "models", **(of_its_own if serving.replicas > 1 else {"persistentVolumeClaim": {"claimName": claim}})},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},  # between the processes of one model
        _scratch("tmp"),
    ]


def _resources(serving: Serving) -> Manifest:
    asked = serving.resources.dump() if serving.resources else {}
    found = resources(asked)
    if serving.gpu.count:
        found.setdefault("limits", {})[serving.gpu.resource_name] = str(serving.gpu.count)
    return found


def _environment(serving: Serving) -> list[Manifest]:
    """Every place that these programs write to is on a volume: their image is read-only."""
    cache = "LLAMA_CACHE" if serving.engine is ServingEngine.LLAMA_CPP else "HF_HOME"
    found: list[Manifest] = [{"name": "HOME", "value": "/tmp"}, {"name": cache, "value": CACHE_DIR}]  # noqa: S108
    if serving.hub_token_secret_ref is not None:
        reference = serving.hub_token_secret_ref
        key = {"secretKeyRef": {"name": reference.name, "key": reference.key}}
        found.append({"name": "HF_TOKEN", "valueFrom": key})
    return found


def _tgi(serving: Serving) -> list[str]:
    shards = ["--num-shard", str(serving.gpu.count)] if serving.gpu.count > 1 else []
    return ["--model-id", serving.model, "--hostname", "0.0.0.0", "--port", _PORT, *shards]


def _vllm(serving: Serving) -> list[str]:
    shards = ["--tensor-parallel-size", str(serving.gpu.count)] if serving.gpu.count > 1 else []
    name = ["--model", serving.model, "--served-model-name", serving.model]
    return [*name, "--host", "0.0.0.0", "--port", _PORT, *shards]


def _llama_cpp(serving: Serving) -> list[str]:
    source = "--model" if serving.model.startswith("/") else "--hf-repo"
    layers = ["--n-gpu-layers", "999"] if serving.gpu.count else []
    return [source, serving.model, "--alias", serving.model, "--host", "0.0.0.0", "--port", _PORT, *layers]


_ARGUMENTS: dict[ServingEngine, Callable[[Serving], list[str]]] = {
    ServingEngine.TGI: _tgi,
    ServingEngine.VLLM: _vllm,
    ServingEngine.LLAMA_CPP: _llama_cpp,
}
