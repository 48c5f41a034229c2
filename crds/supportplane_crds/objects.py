"""What every kind shares: frozen models with camelCase names and rules, object metadata, the group and version.

The models are the contract: the generator turns them into CRDs and the reference page, the loader into errors with
line numbers. The docstring of a model and the description of a field are what ``kubectl explain`` shows.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from supportplane_crds.rules import Change, Rule, enforce, with_validations
from supportplane_crds.text import NAME_RULE, Name

GROUP = "supportplane.io"
VERSION = "v1alpha1"
API_VERSION: Final = "supportplane.io/v1alpha1"


class ContractModel(BaseModel):
    """Frozen, strict, no unknown fields; ``rules`` hold between the fields of one object, ``changes`` over time."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,  # Python code may write snake_case; the loader reads camelCase only
        validate_by_alias=True,
        allow_inf_nan=False,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()
    changes: ClassVar[tuple[Change, ...]] = ()

    @model_validator(mode="after")
    def _rules_hold(self) -> Self:
        enforce(self.rules, self)
        return self

    def dump(self) -> dict[str, Any]:
        """As YAML would hold it, every default written out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler.resolve_ref_schema(handler(schema))
        json_schema.update(with_validations(json_schema, (*cls.rules, *cls.changes)))
        return json_schema


class ObjectMeta(ContractModel):
    """Name and labels of an object, as everywhere in Kubernetes."""

    name: Name = Field(description="Name of the object; unique among its kind in a namespace and in a file.")
    namespace: str | None = Field(
        default=None, max_length=63, description="Namespace on a cluster; unused on a laptop."
    )
    labels: dict[str, str] = Field(default={}, description="Labels to select objects by.")
    annotations: dict[str, str] = Field(default={}, description="Notes of tools and people.")


@dataclass(frozen=True, slots=True)
class Column:
    """What kubectl get prints. path: JSON path. is_wide: with -o wide only."""

    heading: str
    path: str
    type: str = "string"
    is_wide: bool = False


def condition_column(heading: str, condition: str, part: str, *, is_wide: bool = False) -> Column:
    """part: status or reason of the condition."""
    return Column(heading, f'.status.conditions[?(@.type=="{condition}")].{part}', is_wide=is_wide)


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale subresource, which kubectl scale and autoscalers use: where its numbers are in the object."""

    wanted: str
    there_are: str
    selector: str


class KubernetesObject(ContractModel):
    """A kind of the group supportplane.io. The class variables are for the CRD."""

    plural: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]] = ()
    is_namespaced: ClassVar[bool] = True
    columns: ClassVar[tuple[Column, ...]] = ()
    scale: ClassVar[Scale | None] = None
    status_model: ClassVar[type[ContractModel] | None] = None

    metadata: ObjectMeta = Field(description="Name, namespace, labels and annotations.")

    @property
    def name(self) -> str:
        return self.metadata.name


METADATA_RULES = (NAME_RULE.at("metadata.name"),)
"""For the CRDs: the API server does not let a schema describe metadata, a rule on the whole object can."""
