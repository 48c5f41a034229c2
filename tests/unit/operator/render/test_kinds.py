"""One object a test, compared as a whole."""

from dataclasses import replace
from typing import Any

import pytest

from support.operator.samples import ALL_APIS, SETTINGS, by_name, endpoint_snapshot, snapshot
from supportplane_crds.roles import ROLES
from supportplane_operator.render import render, render_endpoint
from supportplane_operator.render.plan import Plan
from supportplane_operator.snapshot import Manifest
from supportplane_runtime.settings import ModelServerSettings
from supportplane_runtime.settings import Settings as RuntimeSettings

LABELS = {
    "app.kubernetes.io/name": "supportplane",
    "app.kubernetes.io/instance": "helpdesk",
    "app.kubernetes.io/managed-by": "supportplane-operator",
    "supportplane.io/agent": "helpdesk",
}
OWNER = {
    "apiVersion": "supportplane.io/v1alpha1",
    "kind": "SupportAgent",
    "name": "helpdesk",
    "uid": "0001",
    "controller": True,
    "blockOwnerDeletion": True,
}
GATEWAY = {"supportplane.io/agent": "helpdesk", "app.kubernetes.io/component": "gateway"}


def metadata(name: str, component: str) -> Manifest:
    labels = {**LABELS, "app.kubernetes.io/component": component}
    return {"name": name, "namespace": "acme", "labels": labels, "ownerReferences": [OWNER]}


def one(kind: str, name: str, spec: dict[str, Any] | None = None) -> Manifest:
    return by_name(render(Plan(snapshot(spec, apis=ALL_APIS), SETTINGS)), kind)[name]


def names(kind: str, spec: dict[str, Any] | None = None) -> set[str]:
    return set(by_name(render(Plan(snapshot(spec, apis=ALL_APIS), SETTINGS)), kind))


def test_the_service_of_the_gateway() -> None:
    assert one("Service", "helpdesk-gateway") == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata("helpdesk-gateway", "gateway"),
        "spec": {
            "type": "ClusterIP",
            "selector": GATEWAY,
            "ports": [
                {"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"},
                {"name": "health", "port": 8082, "protocol": "TCP", "targetPort": "health"},
            ],
        },
    }


def test_the_service_account_has_no_token() -> None:
    assert one("ServiceAccount", "helpdesk-gateway") == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata("helpdesk-gateway", "gateway"),
        "automountServiceAccountToken": False,
    }


def test_the_budget_is_there_from_two_pods_on() -> None:
    assert one("PodDisruptionBudget", "helpdesk-gateway") == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata("helpdesk-gateway", "gateway"),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": GATEWAY}},
    }
    assert names("PodDisruptionBudget", {"scaling": {"replicas": 1}}) == set()


AUTOSCALING = {"minReplicas": 3, "maxReplicas": 9, "targets": [{"metric": "MemoryUtilization", "value": 80}]}


def test_the_autoscaler_of_kubernetes() -> None:
    assert one("HorizontalPodAutoscaler", "helpdesk-gateway", {"scaling": {"autoscaling": AUTOSCALING}}) == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata("helpdesk-gateway", "gateway"),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "helpdesk-gateway"},
            "minReplicas": 3,
            "maxReplicas": 9,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
                }
            ],
        },
    }


def test_the_autoscaler_of_keda() -> None:
    spec = {"scaling": {"autoscaling": {**AUTOSCALING, "provider": "KEDA"}}}
    assert one("ScaledObject", "helpdesk-gateway", spec) == {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata("helpdesk-gateway", "gateway"),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "helpdesk-gateway"},
            "minReplicaCount": 3,
            "maxReplicaCount": 9,
            "triggers": [{"type": "memory", "metricType": "Utilization", "metadata": {"value": "80"}}],
        },
    }
    assert names("HorizontalPodAutoscaler", spec) == set()


def test_a_route_leads_to_what_people_call_and_to_nothing_inside() -> None:
    gateway = {"parentRefs": [{"name": "public", "namespace": "edge"}], "hostnames": ["help.example.com"]}
    route = one("HTTPRoute", "helpdesk-gateway", {"gateway": gateway})
    assert route["spec"]["parentRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "edge"}
    ]
    assert route["spec"]["hostnames"] == ["help.example.com"]
    (rule,) = route["spec"]["rules"]
    backend = {"group": "", "kind": "Service", "name": "helpdesk-gateway", "port": 80, "weight": 1}
    assert rule["backendRefs"] == [backend]
    paths = {each["path"]["value"]: each["path"]["type"] for each in rule["matches"]}
    assert paths["/"] == "Exact"
    assert paths["/api"] == "PathPrefix"
    assert not {"/internal", "/metrics"} & set(paths)


INGRESS = {
    "gateway": {
        "ingress": {"className": "nginx", "tlsSecretRef": {"name": "tls"}, "clusterIssuer": "letsencrypt"},
        "hostnames": ["help.example.com"],
    }
}


def test_an_ingress_with_a_certificate() -> None:
    ingress = one("Ingress", "helpdesk-gateway", INGRESS)
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["help.example.com"], "secretName": "tls"}]
    (rule,) = ingress["spec"]["rules"]
    assert rule["host"] == "help.example.com"
    assert rule["http"]["paths"][0] == {
        "path": "/",
        "pathType": "Exact",
        "backend": {"service": {"name": "helpdesk-gateway", "port": {"name": "http"}}},
    }
    assert one("Certificate", "helpdesk-gateway", INGRESS)["spec"] == {
        "secretName": "tls",
        "dnsNames": ["help.example.com"],
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "letsencrypt"},
    }


def test_a_cluster_of_cloudnativepg_has_vectors() -> None:
    database = {"secretRef": None, "cloudNativePG": {"instances": 3, "storageClassName": "fast"}}
    cluster = one("Cluster", "helpdesk-db", {"persistence": {"database": database}})
    assert cluster["spec"] == {
        "instances": 3,
        "storage": {"size": "10Gi", "storageClass": "fast"},
        "bootstrap": {
            "initdb": {
                "database": "supportplane",
                "owner": "supportplane",
                "postInitApplicationSQL": ["CREATE EXTENSION IF NOT EXISTS vector"],
            }
        },
    }


@pytest.mark.parametrize(
    ("switch", "kind"),
    [("serviceMonitor", "ServiceMonitor"), ("alerts", "PrometheusRule")],
)
def test_monitoring_can_be_switched_off(switch: str, kind: str) -> None:
    assert len(names(kind)) == 1
    assert names(kind, {"observability": {switch: False}}) == set()


def test_the_dashboard_can_be_switched_off() -> None:
    assert "helpdesk-dashboard" in names("ConfigMap")
    assert "helpdesk-dashboard" not in names("ConfigMap", {"observability": {"dashboard": False}})


def container(kind: str, name: str, spec: dict[str, Any] | None = None) -> Manifest:
    manifests = by_name(render(Plan(snapshot(spec, apis=ALL_APIS), SETTINGS)), kind)
    found = next(each for key, each in manifests.items() if key.startswith(name))
    first: Manifest = found["spec"]["template"]["spec"]["containers"][0]
    return first


def environment(found: Manifest) -> dict[str, Any]:
    return {
        each["name"].removeprefix("SUPPORTPLANE_"): each.get("value", each.get("valueFrom")) for each in found["env"]
    }


def test_the_gateway_knows_its_stores_and_who_may_ask_for_its_status() -> None:
    spec = {"gateway": {"auth": {"apiKeysSecretRef": {"name": "keys"}}}}
    found = container("Deployment", "helpdesk-gateway", spec)
    assert found["command"] == ["python", "-m", "supportplane_runtime.app", "gateway"]
    variables = environment(found)
    hosts = variables.pop("ALLOWED_HOSTS")
    assert variables.pop("REVISION")
    of_roles = {each.address_variable for each in ROLES}  # test_roles.py has them
    assert {name: value for name, value in variables.items() if name not in of_roles} == {
        "AGENT_FILE": "/etc/supportplane/agent.yaml",
        "DATA_DIR": "/var/lib/supportplane",
        "SECRETS_DIR": "/var/run/supportplane/secrets",
        "DATABASE_URL": {"secretKeyRef": {"name": "pg", "key": "uri"}},
        "REDIS_URL": {"secretKeyRef": {"name": "redis", "key": "uri"}},
        "HTTP_HOST": "0.0.0.0",
        "HTTP_PORT": "8080",
        "HEALTH_PORT": "8082",
        "GATEWAYS_FILE": "/etc/supportplane/gateways",
        "API_KEYS_DIR": "/etc/supportplane/api-keys",
        "OPERATOR_JWKS_FILE": "/etc/supportplane/operator.jwks.json",
        "STATUS_AUDIENCE": "acme/helpdesk",
    }
    assert '"helpdesk-gateway.acme.svc"' in hosts
    assert "*" not in hosts
    assert {"name": "api-keys", "mountPath": "/etc/supportplane/api-keys", "readOnly": True} in found["volumeMounts"]


@pytest.mark.parametrize("name", ["helpdesk-gateway", "helpdesk-orchestrator"])
def test_customers_never_take_the_place_of_a_probe_or_of_prometheus(name: str) -> None:
    found = container("Deployment", name)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert found[probe]["httpGet"]["port"] == "health", probe
    endpoints = one("ServiceMonitor", "helpdesk-gateway")["spec"]["endpoints"]
    assert [each["port"] for each in endpoints] == ["health"]


def test_only_a_process_that_says_nothing_for_a_minute_is_restarted() -> None:
    probe = container("Deployment", "helpdesk-gateway")["livenessProbe"]
    assert probe["httpGet"]["path"] == "/livez"
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 60


def test_an_orchestrator_listens_on_its_own_port_and_knows_managed_stores_by_their_services() -> None:
    stores = {
        "cache": {"secretRef": None, "managed": {}},
        "vectorStore": {"weaviate": {"managed": {}}},
    }
    found = container("Deployment", "helpdesk-orchestrator", {"persistence": stores})
    variables = environment(found)
    assert found["ports"] == [
        {"name": "http", "containerPort": 8081, "protocol": "TCP"},
        {"name": "health", "containerPort": 8082, "protocol": "TCP"},
    ]
    assert variables["HTTP_PORT"] == "8081"
    assert variables["REDIS_URL"] == "redis://helpdesk-cache.acme.svc:6379/0"
    assert variables["WEAVIATE_URL"] == "http://helpdesk-weaviate.acme.svc:8080"
    assert variables["WEAVIATE_GRPC_PORT"] == "50051"
    assert "ORCHESTRATOR_URL" not in variables


def test_every_variable_is_one_that_the_runtime_reads() -> None:
    weaviate = {"url": "http://weaviate.example", "apiKeySecretRef": {"name": "weaviate"}}
    spec = {
        "persistence": {"vectorStore": {"weaviate": weaviate}},
        "gateway": {"auth": {"apiKeysSecretRef": {"name": "keys"}}},
    }
    found = render(Plan(snapshot(spec, endpoint={"embedded": {}}, apis=ALL_APIS), SETTINGS))
    pods = [each["spec"]["template"]["spec"] for each in found if each["kind"] in {"Deployment", "Job"}]
    told = {name.lower() for pod in pods for each in pod["containers"] for name in environment(each)}
    assert told - set(RuntimeSettings.model_fields) == set()
    model = by_name(render_endpoint(endpoint_snapshot({"embedded": {}}), SETTINGS), "Deployment")["slm-model"]
    variables = environment(model["spec"]["template"]["spec"]["containers"][0])
    assert {name.lower() for name in variables} - {"data_dir"} <= set(ModelServerSettings.model_fields)


AUTOSCALED = {"scaling": {"autoscaling": {"minReplicas": 2, "maxReplicas": 7}}}


@pytest.mark.parametrize(
    ("spec", "gateways"),
    [({"scaling": {"replicas": 3}}, "3"), ({"scaling": {"replicas": 0}}, "1"), ({}, "2"), (AUTOSCALED, "7")],
    ids=["three pods", "no pod", "two pods by default", "up to seven pods"],
)
def test_the_config_says_how_many_gateways_share_the_rate_limits(spec: dict[str, Any], gateways: str) -> None:
    configs = by_name(render(Plan(snapshot(spec), SETTINGS)), "ConfigMap")
    config = next(each for name, each in configs.items() if "-config-" in name)
    assert config["data"]["gateways"] == gateways


def test_another_number_of_gateways_restarts_no_pod() -> None:
    two, three = (one("Deployment", "helpdesk-gateway", {"scaling": {"replicas": number}}) for number in (2, 3))
    assert two["spec"]["replicas"] != three["spec"]["replicas"]
    assert two["spec"]["template"] == three["spec"]["template"]


def test_documents_are_mounted_where_the_agent_file_says_they_are() -> None:
    found = container("Job", "helpdesk-knowledge-")
    mount = {"name": "source-0", "mountPath": "/var/lib/supportplane/knowledge/handbook/docs", "readOnly": True}
    assert mount in found["volumeMounts"]
    config = next(
        each for name, each in by_name(render(Plan(snapshot(), SETTINGS)), "ConfigMap").items() if "-config-" in name
    )
    assert "path: /var/lib/supportplane/knowledge/handbook/docs" in config["data"]["agent.yaml"]


def test_documents_are_read_again_by_a_new_job_when_somebody_asks() -> None:
    found = snapshot()
    (base,) = found.bases
    jobs = []
    for note in (None, "today", "tomorrow"):
        annotations = {"supportplane.io/read-again": note} if note else {}
        asked = base.model_copy(update={"metadata": base.metadata.model_copy(update={"annotations": annotations})})
        rendered = by_name(render(Plan(replace(found, bases=(asked,)), SETTINGS)), "Job")
        jobs.append(next(name for name in rendered if "-knowledge-" in name))
    assert len(set(jobs)) == 3
    assert jobs[0] in names("Job")


def test_no_text_of_an_agent_can_put_another_variable_into_its_place() -> None:
    url = "http://weaviate.example/$(SUPPORTPLANE_DATABASE_URL)"
    found = one("Deployment", "helpdesk-gateway", {"persistence": {"vectorStore": {"weaviate": {"url": url}}}})
    (container,) = found["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["SUPPORTPLANE_WEAVIATE_URL"] == url.replace("$(", "$$(")


def test_workloads_run_where_and_with_what_they_were_given() -> None:
    gateway = {
        "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
        "nodeSelector": {"pool": "agents"},
        "tolerations": [{"key": "agents", "operator": "Exists"}],
        "topologySpread": "Zone",
        "annotations": {"team": "support"},
    }
    spec = {"workloads": {"gateway": gateway}, "images": {"imagePullSecrets": [{"name": "registry"}]}}
    template = one("Deployment", "helpdesk-gateway", spec)["spec"]["template"]
    pod = template["spec"]
    assert pod["containers"][0]["resources"] == {"requests": {"cpu": "1", "memory": "1Gi"}}
    assert pod["nodeSelector"] == {"pool": "agents"}
    assert pod["tolerations"] == [{"key": "agents", "operator": "Exists"}]
    assert pod["topologySpreadConstraints"][0]["topologyKey"] == "topology.kubernetes.io/zone"
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert template["metadata"]["annotations"]["team"] == "support"


def test_another_mode_replaces_pods_without_another_revision() -> None:
    before, after = (
        by_name(render(Plan(snapshot({"mode": mode}), SETTINGS)), "Deployment") for mode in ("Auto", "HandoffOnly")
    )
    assert set(before) == set(after)
    hashes = {
        each["spec"]["template"]["metadata"]["annotations"]["supportplane.io/config-hash"]
        for each in (*before.values(), *after.values())
    }
    assert len(hashes) == 2
