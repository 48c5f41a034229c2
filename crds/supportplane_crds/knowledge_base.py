"""The kind ``KnowledgeBase``: the documents that agents answer from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from supportplane_crds.lists import AsSet, MapBy
from supportplane_crds.objects import API_VERSION, ContractModel, KubernetesObject
from supportplane_crds.text import Glob, HttpUrl, LanguageCode, Name, PrintableLine


class KnowledgeSource(ContractModel):
    """A file, or a directory with the files below it."""

    name: Name = Field(description="Name of the source; part of the documents' identity.")
    path: PrintableLine = Field(description="File or directory, relative to the YAML file.")
    include: Annotated[tuple[Glob, ...], AsSet()] = Field(
        default=("**/*.md", "**/*.html", "**/*.txt"),
        min_length=1,
        max_length=32,
        description="Patterns of the files to read below a directory; Markdown, HTML and text can be read. "
        "A path that is a file is read without a look at them.",
    )
    exclude: Annotated[tuple[Glob, ...], AsSet()] = Field(
        default=(),
        max_length=32,
        description="Patterns of files below a directory to leave out; they win over include.",
    )
    base_url: HttpUrl | None = Field(
        default=None,
        alias="baseURL",
        description="Prefix of the links in citations: baseURL and the file's path below path. Without it a citation "
        "shows the file's path.",
    )


class KnowledgeBaseSpec(ContractModel):
    """Which documents, in which language."""

    language: LanguageCode = Field(default="en", description="Language of the documents, two letters of ISO 639-1.")
    sources: Annotated[tuple[KnowledgeSource, ...], MapBy("name")] = Field(
        min_length=1, max_length=16, description="Where the documents are."
    )


class KnowledgeBase(KubernetesObject):
    """Documents that agents answer from and cite."""

    plural: ClassVar[str] = "knowledgebases"
    short_names: ClassVar[tuple[str, ...]] = ("kb",)
    columns: ClassVar[tuple[tuple[str, str], ...]] = (("Language", ".spec.language"),)

    api_version: Literal["supportplane.io/v1alpha1"] = Field(
        default=API_VERSION, description="Version of the contract."
    )
    kind: Literal["KnowledgeBase"] = Field(default="KnowledgeBase", description="The kind of the object.")
    spec: KnowledgeBaseSpec = Field(description="Which documents, in which language.")
