"""`supportplane why`: what keeps an agent on a cluster from answering, as a tree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supportplane_cli.console import emit, say, terminal, visible
from supportplane_cli.errors import NothingRunning, Refused, WrongUsage
from supportplane_cli.options import JsonOption

if TYPE_CHECKING:
    from rich.tree import Tree

    from supportplane_operator.why import Node

EPILOG = """Examples:

  supportplane why helpdesk -n acme

  kubectl supportplane why helpdesk -n acme

  supportplane why helpdesk --json

Exit code 0 means that the agent is ready, 1 that it is not, 2 that there is no such agent.
"""

NameArgument = Annotated[str, typer.Argument(help="Name of the SupportAgent.", show_default=False)]
NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace. Default: that of the kubeconfig.", show_default=False),
]
KubeconfigOption = Annotated[
    Path | None,
    typer.Option("--kubeconfig", help="Default: $KUBECONFIG, else ~/.kube/config.", show_default=False),
]
_STYLES = {True: "green", False: "bold red", None: "yellow"}
_MARKS = {True: "ok", False: "FAIL", None: "?"}


def why(
    name: NameArgument,
    namespace: NamespaceOption = None,
    kubeconfig: KubeconfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why an agent on a cluster is ready or not: the failing chain, from the summary to the cause."""
    tree = _read(name, namespace, kubeconfig)
    if as_json:
        emit(tree.as_values())
    elif terminal().is_terminal:
        terminal().print(_coloured(tree))
    else:
        _print_plain(tree)
    if tree.ok is not True:
        raise SystemExit(1)


def _print_plain(tree: "Node") -> None:
    from supportplane_operator.why import lines

    say("\n".join(lines(tree)))


def _coloured(node: "Node") -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    words = (visible(node.title), "bold"), visible(f"  {node.detail}")
    mark = Text.assemble((_MARKS[node.ok], _STYLES[node.ok]), " ", *words)
    tree = Tree(mark)
    for child in node.children:
        tree.add(_coloured(child))
    return tree


def _read(name: str, namespace: str | None, kubeconfig: Path | None) -> "Node":
    """The agent, what it names, and what the cluster told about it."""
    from supportplane_operator.resources import AGENT, BASE, ENDPOINT, EVENT
    from supportplane_operator.why import tree_of

    with _connected(kubeconfig) as client:
        where = namespace or client.namespace
        agent = _get(client, AGENT, name, where)
        if agent is None:
            raise WrongUsage(
                f"there is no SupportAgent {name} in namespace {where}", hint="see: kubectl get supportagents -A"
            )
        template = agent["spec"]["template"]
        bases = [_get(client, BASE, each["name"], where) for each in template.get("knowledge", ())]
        return tree_of(
            agent,
            endpoint=_get(client, ENDPOINT, template["model"]["modelRef"]["name"], where),
            bases=[each for each in bases if each is not None],
            events=_list(client, EVENT, where),
        )


@contextmanager
def _connected(kubeconfig: Path | None) -> Iterator[Any]:
    """A client; what goes wrong with it becomes a sentence."""
    import httpx2
    from lightkube import ApiError, Client, ConfigError, KubeConfig

    try:
        config = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()
        yield Client(config, timeout=httpx2.Timeout(10.0))
    except ConfigError as error:
        raise NothingRunning(f"no cluster is configured: {error}", hint="give --kubeconfig FILE") from error
    except httpx2.HTTPError as error:
        raise NothingRunning(f"the cluster does not answer: {error}") from error
    except ApiError as error:
        raise Refused(f"the cluster refused: {error.status.message or error}") from error


def _get(client: Any, resource: Any, name: str, namespace: str) -> dict[str, Any] | None:
    """None when there is none of the name."""
    from lightkube import ApiError

    from supportplane_operator.resources import typed

    try:
        return _values(client.get(typed(resource), name, namespace=namespace), resource)
    except ApiError as error:
        if error.status.code == 404:
            return None
        raise


def _list(client: Any, resource: Any, namespace: str) -> list[dict[str, Any]]:
    from supportplane_operator.resources import typed

    return [_values(each, resource) for each in client.list(typed(resource), namespace=namespace)]


def _values(found: Any, resource: Any) -> dict[str, Any]:
    """A plain object, whose kind a list leaves out."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **found.to_dict()}
