"""The connection to the API server: one client a process, with the credentials of its surroundings.

Inside a cluster that is the pod's service account, elsewhere KUBECONFIG or ~/.kube/config. ``main`` makes it; only
``observe``, ``watch``, ``resync``, ``apply`` and ``lease`` hold it. Also: what its failures mean, in the operator's own
errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import SingleConfig

from supportplane_crds.names import FIELD_MANAGER
from supportplane_operator.errors import ClusterUnavailable, WriteConflict, WriteRefused

TIMEOUT_S = 10.0  # a guess: an API server that needs longer for one object is not well


def connect() -> AsyncClient:
    """A client that is ready for use; nothing is sent yet. Raises lightkube's ConfigError without any credentials."""
    config = KubeConfig.from_env().get()
    if config is None:  # pragma: no cover -- from_env raises before
        raise ClusterUnavailable("no credentials for an API server")
    return AsyncClient(
        config,
        field_manager=FIELD_MANAGER,
        timeout=httpx2.Timeout(TIMEOUT_S),
        transport=transport(config),
    )


def transport(config: SingleConfig) -> httpx2.AsyncBaseTransport:
    """Without a limit of connections: every watch keeps one, and there is one a kind and namespace."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20)
    user = config.user
    verify = verify_cluster(config.cluster, user, config.abs_file) if user else True
    return httpx2.AsyncHTTPTransport(verify=verify, limits=limits)


@contextmanager
def understood(kind: str, name: str) -> Iterator[None]:
    """Turns what a request raises into the operator's errors. kind, name: the object it is about."""
    try:
        yield
    except httpx2.HTTPStatusError as error:
        raise _meaning(error, kind, name) from error
    except httpx2.HTTPError as error:
        raise ClusterUnavailable(f"{kind}/{name}: {type(error).__name__}") from error


def status_code(error: httpx2.HTTPStatusError) -> int:
    """Also of an answer without a Status object, such as that of a group which is not served."""
    return int(error.status.code or 0) if isinstance(error, ApiError) else error.response.status_code


def _meaning(error: httpx2.HTTPStatusError, kind: str, name: str) -> Exception:
    code = status_code(error)
    message = str((error.status.message if isinstance(error, ApiError) else None) or error)
    if code == 409:
        return WriteConflict(f"{kind}/{name}: {message}")
    if code == 429 or code >= 500:
        return ClusterUnavailable(f"{kind}/{name}: {message}")
    return WriteRefused(message, kind=kind, name=name)
