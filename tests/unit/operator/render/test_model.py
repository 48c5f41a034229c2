from typing import Any

import pytest

from support.operator.samples import SETTINGS, by_name, endpoint_snapshot
from supportplane_operator.render import render_endpoint
from supportplane_operator.snapshot import Manifest

HUB = "Qwen/Qwen3-8B"
LISTEN = ["--host", "0.0.0.0", "--port", "8080"]


def rendered(engine: str, **more: Any) -> tuple[Manifest, ...]:
    serving = {"engine": engine, "image": "registry.example/server:1", "model": HUB, **more}
    return render_endpoint(endpoint_snapshot({"serving": serving}), SETTINGS)


def pod(engine: str, **more: Any) -> Manifest:
    found: Manifest = by_name(rendered(engine, **more), "Deployment")["slm-model"]["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(
    ("engine", "more", "arguments"),
    [
        ("TGI", {}, ["--model-id", HUB, "--hostname", "0.0.0.0", "--port", "8080"]),
        ("VLLM", {}, ["--model", HUB, "--served-model-name", HUB, *LISTEN]),
        ("LlamaCpp", {}, ["--hf-repo", HUB, "--alias", HUB, *LISTEN]),
        ("LlamaCpp", {"model": "/m.gguf"}, ["--model", "/m.gguf", "--alias", "/m.gguf", *LISTEN]),
        (
            "TGI",
            {"gpu": {"count": 2}},
            ["--model-id", HUB, "--hostname", "0.0.0.0", "--port", "8080", "--num-shard", "2"],
        ),
        (
            "VLLM",
            {"gpu": {"count": 2}},
            ["--model", HUB, "--served-model-name", HUB, *LISTEN, "--tensor-parallel-size", "2"],
        ),
        ("LlamaCpp", {"gpu": {"count": 1}}, ["--hf-repo", HUB, "--alias", HUB, *LISTEN, "--n-gpu-layers", "999"]),
    ],
)
def test_every_engine_is_told_its_model_in_its_own_words(
    engine: str, more: dict[str, Any], arguments: list[str]
) -> None:
    assert pod(engine, **more)["containers"][0]["args"] == arguments


def test_gpus_are_limits_and_the_hubs_token_is_a_reference() -> None:
    found = pod("TGI", gpu={"count": 2}, hubTokenSecretRef={"name": "hub"}, resources={"requests": {"memory": "40Gi"}})
    container = found["containers"][0]
    assert container["resources"] == {"limits": {"nvidia.com/gpu": "2"}, "requests": {"memory": "40Gi"}}
    token = {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
    assert token in container["env"]


def test_a_model_is_kept_on_a_volume_and_has_an_hour_to_be_downloaded() -> None:
    claim = by_name(rendered("VLLM", cacheSize="90Gi"), "PersistentVolumeClaim")["slm-model"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "90Gi"}}}
    found = pod("VLLM")
    assert {"name": "models", "persistentVolumeClaim": {"claimName": "slm-model"}} in found["volumes"]
    startup = found["containers"][0]["startupProbe"]
    assert startup["httpGet"] == {"path": "/health", "port": "http"}
    assert startup["periodSeconds"] * startup["failureThreshold"] == 3600


def test_several_pods_have_a_volume_each_because_one_is_of_one_node() -> None:
    assert by_name(rendered("VLLM", replicas=2), "PersistentVolumeClaim") == {}
    models = pod("VLLM", replicas=2, cacheSize="90Gi", storageClassName="fast")["volumes"][0]
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "90Gi"}},
        "storageClassName": "fast",
    }
    assert models == {"name": "models", "ephemeral": {"volumeClaimTemplate": {"spec": spec}}}


def test_the_model_that_comes_with_us_runs_in_the_runtimes_image() -> None:
    manifests = render_endpoint(endpoint_snapshot({"embedded": {}}), SETTINGS)
    assert [each["kind"] for each in manifests] == ["NetworkPolicy", "Service", "Deployment"]
    container = manifests[-1]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == SETTINGS.runtime_image
    assert container["command"] == ["python", "-m", "supportplane_runtime.app", "model"]


def test_nothing_is_made_for_a_server_of_somebody_elses() -> None:
    found = endpoint_snapshot({"url": "https://models.example.com/v1", "model": "m"})
    assert render_endpoint(found, SETTINGS) == ()
