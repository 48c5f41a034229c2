"""References to objects that are not of our group: Secrets, ConfigMaps, volume claims, Gateways.

A reference holds a name and stays in the agent's namespace; only a Gateway may be in another one.
"""

from pydantic import Field

from supportplane_crds.names import KEY_HUB_TOKEN, KEY_MODEL_CREDENTIALS
from supportplane_crds.objects import ContractModel
from supportplane_crds.text import NamespaceName, ObjectName, RelativePath, SecretKey, SecretName


class SecretRef(ContractModel):
    """A Secret in the agent's namespace."""

    name: SecretName = Field(description="Name of the Secret.")


class CredentialsRef(ContractModel):
    """A key of a Secret. On a laptop it is the file secrets/<name>/<key> in the data directory (mode 0600)."""

    name: SecretName = Field(description="Name of the Secret.")
    key: SecretKey = Field(default=KEY_MODEL_CREDENTIALS, description="Key in the Secret that holds the token.")


class HubTokenRef(ContractModel):
    """A key of a Secret that holds the token of a model hub."""

    name: SecretName = Field(description="Name of the Secret.")
    key: SecretKey = Field(default=KEY_HUB_TOKEN, description="Key in the Secret that holds the hub's token.")


class ConfigMapRef(ContractModel):
    """A ConfigMap in the agent's namespace."""

    name: ObjectName = Field(description="Name of the ConfigMap.")


class VolumeClaimRef(ContractModel):
    """A PersistentVolumeClaim in the agent's namespace, or a directory in it."""

    name: ObjectName = Field(description="Name of the PersistentVolumeClaim.")
    sub_path: RelativePath | None = Field(default=None, description="Directory in the volume; without it all of it.")


class GatewayRef(ContractModel):
    """A Gateway of the Gateway API."""

    name: ObjectName = Field(description="Name of the Gateway.")
    namespace: NamespaceName | None = Field(
        default=None, description="Namespace of the Gateway; without it the agent's own."
    )
    section_name: ObjectName | None = Field(
        default=None, description="Listener of the Gateway; without it every one that fits."
    )
