"""``spec.persistence``: where an agent on a cluster keeps its state, and what becomes of it when the agent goes.

A store is either the user's own server, reached by a Secret or a URL, or made by the operator; never both.
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from supportplane_crds.objects import ContractModel
from supportplane_crds.references import CredentialsRef, SecretRef
from supportplane_crds.resources import Storage, never_smaller
from supportplane_crds.rules import Change, Rule
from supportplane_crds.text import ObjectName, ServerUrl


class DeletionPolicy(StrEnum):
    """What becomes of stores that the operator made."""

    KEEP = "Keep"
    DELETE = "Delete"


class CloudNativePG(ContractModel):
    """A PostgreSQL that the CloudNativePG operator runs for this agent alone."""

    changes: ClassVar[tuple[Change, ...]] = (never_smaller("storageSize"),)

    instances: int = Field(
        default=2, ge=1, le=9, description="PostgreSQL servers: one that is written to, the others stand by."
    )
    storage_size: Storage = Field(default="10Gi", description="Size of each server's volume.")
    storage_class_name: ObjectName | None = Field(
        default=None, description="StorageClass of the volumes; without it the cluster's default."
    )


class Database(ContractModel):
    """The PostgreSQL with conversations, tickets and checkpoints."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.secretRef) != has(self.cloudNativePG)",
            "set exactly one of secretRef (a database of your own) or cloudNativePG (one that is made for the agent)",
            lambda database: (database.secret_ref is None) != (database.cloud_native_pg is None),
        ),
    )

    secret_ref: SecretRef | None = Field(
        default=None, description="A database of your own: the Secret whose key uri is its postgresql:// URL."
    )
    cloud_native_pg: CloudNativePG | None = Field(
        default=None,
        alias="cloudNativePG",
        description="A database that is made for the agent; the CloudNativePG operator must be installed.",
    )


class ManagedCache(ContractModel):
    """A Redis of one pod that the operator runs for this agent; what it holds may be lost at any time."""


class Cache(ContractModel):
    """The Redis that rate limits are counted in; it holds nothing that must last."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.secretRef) != has(self.managed)",
            "set exactly one of secretRef (a Redis of your own) or managed (one that is made for the agent)",
            lambda cache: (cache.secret_ref is None) != (cache.managed is None),
        ),
    )

    secret_ref: SecretRef | None = Field(
        default=None, description="A Redis of your own: the Secret whose key uri is its redis:// or rediss:// URL."
    )
    managed: ManagedCache | None = Field(
        default=None, description="A Redis of one pod that is made for the agent: write {}."
    )


class ManagedWeaviate(ContractModel):
    """A Weaviate of one pod that the operator runs for this agent."""

    changes: ClassVar[tuple[Change, ...]] = (
        Change(
            "quantity(self.storageSize).compareTo(quantity(oldSelf.storageSize)) == 0",
            "storageSize of a managed Weaviate cannot be changed: a StatefulSet keeps its volumes as they are",
        ),
    )

    storage_size: Storage = Field(default="10Gi", description="Size of the volume.")


class Weaviate(ContractModel):
    """A Weaviate that the agent's passages are searched in."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.url) != has(self.managed)",
            "set exactly one of url (a Weaviate of your own) or managed (one that is made for the agent)",
            lambda weaviate: (weaviate.url is None) != (weaviate.managed is None),
        ),
        Rule(
            "has(self.url) || !has(self.apiKeySecretRef)",
            "apiKeySecretRef belongs to url; a managed Weaviate is reached without a key",
            lambda weaviate: weaviate.url is not None or weaviate.api_key_secret_ref is None,
        ),
        Rule(
            "has(self.url) || self.grpcPort == 50051",
            "grpcPort belongs to url; a managed Weaviate listens on 50051",
            lambda weaviate: weaviate.url is not None or weaviate.grpc_port == 50051,
        ),
    )

    url: ServerUrl | None = Field(default=None, description="A Weaviate of your own: its URL.")
    grpc_port: int = Field(default=50051, ge=1, le=65535, description="With url: port of its gRPC interface.")
    api_key_secret_ref: CredentialsRef | None = Field(
        default=None, description="With url: the Secret that holds its API key."
    )
    managed: ManagedWeaviate | None = Field(default=None, description="A Weaviate of one pod, made for the agent.")


class VectorStore(ContractModel):
    """Where passages are searched; without one it is the database."""

    weaviate: Weaviate = Field(description="Search passages in Weaviate.")


class Persistence(ContractModel):
    """Where an agent on a cluster keeps its state."""

    database: Database | None = Field(
        default=None, description="The PostgreSQL of the agent; without it the one that the class names."
    )
    cache: Cache | None = Field(
        default=None, description="The Redis of the agent; without it the one that the class names."
    )
    vector_store: VectorStore | None = Field(
        default=None, description="Where passages are searched; without it in the database."
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.KEEP,
        description="What becomes of databases and volumes that were made for the agent when it is deleted. Keep: they "
        "stay. Delete: they go with it. Stores of your own are never touched.",
    )
