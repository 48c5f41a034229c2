"""`supportplane render`: what the operator would apply for an agent file, without a cluster."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from supportplane_cli.console import emit_text, note
from supportplane_cli.errors import CommandFailed, WrongUsage
from supportplane_cli.options import AgentFileOption

if TYPE_CHECKING:
    from supportplane_crds import AgentFile
    from supportplane_operator.settings import Settings
    from supportplane_operator.snapshot import Snapshot

EPILOG = """Examples:

  supportplane render -f agent.yaml

  supportplane render -f agent.yaml --namespace acme --all-apis | kubectl diff -f -

  supportplane render -f agent.yaml --api-version gateway.networking.k8s.io/v1/HTTPRoute

Settings of the operator are read from SUPPORTPLANE_OPERATOR_ variables, as the operator reads them.
"""

NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace. Default: the agent's own, else default.", show_default=False),
]
ApiVersionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--api-version",
        help="An optional API that the cluster has, such as keda.sh/v1alpha1/ScaledObject; can be given several times.",
        show_default=False,
    ),
]
AllApisOption = Annotated[bool, typer.Option("--all-apis", help="As on a cluster that has every optional API.")]


def render(
    file: AgentFileOption,
    namespace: NamespaceOption = None,
    api_version: ApiVersionOption = None,
    all_apis: AllApisOption = False,
) -> None:
    """Print the manifests exactly as the operator would apply them."""
    from supportplane_crds import InvalidAgentFile, load_agent_file
    from supportplane_operator.snapshot import OPTIONAL_APIS

    try:
        loaded = load_agent_file(file)
    except InvalidAgentFile as error:
        raise CommandFailed(str(error)) from error
    asked = tuple(OPTIONAL_APIS if all_apis else api_version or ())
    _refuse_unknown(asked, OPTIONAL_APIS)
    where = namespace or loaded.agent.metadata.namespace or "default"
    snapshot = snapshot_of(loaded, namespace=where, capabilities=asked)
    _print(snapshot, [_endpoint_snapshot(each, where) for each in loaded.model_endpoints])


def _refuse_unknown(asked: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [each for each in asked if each not in known]
    if unknown:
        raise WrongUsage(f"{unknown[0]} is no optional API of the operator", hint=f"one of: {', '.join(known)}")


def snapshot_of(loaded: "AgentFile", *, namespace: str, capabilities: tuple[str, ...]) -> "Snapshot":
    """The file's agent as the operator would see it on a cluster where nothing of it exists yet."""
    from supportplane_operator.snapshot import Snapshot

    agent = loaded.agent
    wanted = agent.spec.class_ref.name if agent.spec.class_ref else None
    return Snapshot(
        agent=agent,
        raw=_raw(agent, namespace),
        agent_class=next((each for each in loaded.classes if each.name == wanted), None),
        endpoint=loaded.model_endpoint,
        judge=loaded.judge_endpoint,
        bases=loaded.knowledge_bases,
        capabilities=frozenset(capabilities),
    )


def _raw(item: Any, namespace: str) -> dict[str, Any]:
    values: dict[str, Any] = item.dump()
    values["metadata"]["namespace"] = namespace
    return values


def _endpoint_snapshot(endpoint: Any, namespace: str) -> Any:
    from supportplane_operator.snapshot import EndpointSnapshot

    return EndpointSnapshot(endpoint, _raw(endpoint, namespace))


def _settings() -> "Settings":
    from pydantic import ValidationError

    from supportplane_operator.settings import load_settings

    try:
        return load_settings()
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        raise WrongUsage(f"SUPPORTPLANE_OPERATOR_{name}: {wrong['msg']}") from error


def _print(snapshot: "Snapshot", endpoints: list[Any]) -> None:
    """Owner references hold uids, which only objects on a cluster have."""
    from supportplane_operator.checks import obstacle
    from supportplane_operator.documents import yaml_text
    from supportplane_operator.render import render, render_endpoint
    from supportplane_operator.render.plan import Plan

    plan = Plan(snapshot, _settings())
    hindrance = obstacle(plan)
    if hindrance is not None:
        raise CommandFailed(f"the operator would make nothing of it: {hindrance}")
    manifests = [each for endpoint in endpoints for each in render_endpoint(endpoint, plan.settings)]
    manifests += render(plan)
    emit_text(yaml_text(manifests))
    note("note: on a cluster each object also bears an owner reference with the uid of the object it was made for")
