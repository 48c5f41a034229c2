"""What happens to the data of an agent: how long records are kept."""

from pydantic import Field

from supportplane_crds.objects import ContractModel


class Retention(ContractModel):
    """How long records are kept."""

    audit_days: int = Field(
        default=400,
        ge=1,
        le=3650,
        description="Days for which entries of the audit log are kept; older ones are deleted within the hour.",
    )


class DataPolicy(ContractModel):
    """What happens to the data of the agent."""

    retention: Retention = Field(default=Retention(), description="How long records are kept.")
