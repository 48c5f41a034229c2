"""Metadata that every child bears: labels, owner, annotations; and lists as the API server would store them."""

from collections.abc import Mapping
from typing import Any

from supportplane_crds import names
from supportplane_operator.snapshot import Manifest


def labels(agent: str, component: str) -> dict[str, str]:
    return {
        names.LABEL_NAME: names.APP_NAME,
        names.LABEL_INSTANCE: agent,
        names.LABEL_COMPONENT: component,
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
        names.LABEL_AGENT: agent,
    }


def selector(agent: str, component: str) -> dict[str, str]:
    """The labels by which pods of a role are found; they never change."""
    return {names.LABEL_AGENT: agent, names.LABEL_COMPONENT: component}


def owner(raw: Manifest) -> list[Manifest] | None:
    """A reference to the object that a child goes with. None without a uid, which is so for a file."""
    uid = raw.get("metadata", {}).get("uid")
    if uid is None:
        return None
    return [
        {
            "apiVersion": names.API_VERSION,
            "kind": raw["kind"],
            "name": raw["metadata"]["name"],
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def metadata(
    name: str,
    namespace: str,
    *,
    of: Mapping[str, str],
    owned_by: Manifest | None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """of: labels. owned_by: the object that this one goes with, None for one that outlives it."""
    return compact(
        {
            "name": name,
            "namespace": namespace,
            "labels": dict(of),
            "annotations": dict(annotations) if annotations else None,
            "ownerReferences": owner(owned_by) if owned_by else None,
        }
    )


def compact(manifest: Manifest) -> Manifest:
    """Without None and without empty lists, at every depth: the API server does not store them."""
    kept = {key: _compact(each) for key, each in manifest.items()}
    return {key: each for key, each in kept.items() if each is not None and each != []}


def _compact(value: Any) -> Any:
    if isinstance(value, dict):
        return compact(value)
    return [_compact(each) for each in value] if isinstance(value, list | tuple) else value
