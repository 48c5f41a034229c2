"""The kind ``KnowledgeBase``: the documents that agents answer from."""

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from supportplane_crds.cluster_only import NEEDS_CLUSTER
from supportplane_crds.lists import AsSet, MapBy
from supportplane_crds.objects import API_VERSION, Column, ContractModel, KubernetesObject, condition_column
from supportplane_crds.references import ConfigMapRef, VolumeClaimRef
from supportplane_crds.rules import Rule
from supportplane_crds.status import CompanionStatus
from supportplane_crds.text import Glob, HttpUrl, LanguageCode, LinkSuffix, Name, PrintableLine

_ALL = frozenset({"*", "**", "**/*"})
_FLAT = "([*][*]/)?[^/]*"
_UNREADABLE = ".*[.]([pP][dD][fF]|[dD][oO][cC][xX]?|[pP][pP][tT][xX]?|[xX][lL][sS][xX]?|[oO][dD][tT])"


class KnowledgeSource(ContractModel):
    """A file, or a directory with the files below it; on a cluster a ConfigMap or a volume."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "size([has(self.path), has(self.configMap), has(self.volumeClaim)].filter(is_set, is_set)) == 1",
            "set exactly one of path (on a laptop), configMap or volumeClaim (on a cluster)",
            lambda source: [source.path, source.config_map, source.volume_claim].count(None) == 2,
        ),
        Rule(
            "!self.include.all(pattern, pattern in self.exclude)"
            " && !self.exclude.exists(pattern, pattern in ['*', '**', '**/*'])",
            "exclude leaves out everything that include selects",
            lambda source: not set(source.include) <= set(source.exclude) and not _ALL & set(source.exclude),
        ),
        Rule(
            f"!self.include.exists(pattern, pattern.matches(r'^({_UNREADABLE})$'))",
            "include selects what cannot be read: Markdown, HTML and text can be, PDF and office files cannot",
            lambda source: not any(re.fullmatch(_UNREADABLE, pattern) for pattern in source.include),
        ),
        Rule(
            f"!has(self.configMap) || self.include.all(pattern, pattern.matches(r'^({_FLAT})$'))",
            "include with configMap can only hold patterns such as *.md or **/*.md: a ConfigMap has no directories",
            lambda source: source.config_map is None or all(re.fullmatch(_FLAT, pattern) for pattern in source.include),
        ),
        Rule(
            "!has(self.linkSuffix) || has(self.baseURL)",
            "linkSuffix needs baseURL: without it a citation is no link",
            lambda source: source.link_suffix is None or source.base_url is not None,
        ),
    )

    name: Name = Field(description="Name of the source; part of the documents' identity.")
    path: PrintableLine | None = Field(
        default=None, description="On a laptop: file or directory, relative to the YAML file."
    )
    config_map: Annotated[ConfigMapRef | None, NEEDS_CLUSTER] = Field(
        default=None, description="On a cluster: a ConfigMap whose keys are file names and whose values are documents."
    )
    volume_claim: Annotated[VolumeClaimRef | None, NEEDS_CLUSTER] = Field(
        default=None, description="On a cluster: a volume with documents; it is mounted read-only."
    )
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
        description="Prefix of the links in citations: baseURL and the file's path below path, or the slug, permalink "
        "or url of the page's front matter. Without it a citation shows the file's path.",
    )
    link_suffix: LinkSuffix | None = Field(
        default=None,
        description="What stands in a link in place of the suffix of a Markdown or HTML file: '' for /faq, '/' for "
        "/faq/, .html for /faq.html. index.md and README.md are then the page of their folder. Default: the file's "
        "own name, as in a repository.",
    )


class EmbeddingModel(StrEnum):
    """Models that make vectors of passages and questions; both come with Supportplane."""

    MINILM = "MiniLM-L6-v2"
    E5 = "MultilingualE5-small"


def embedding_model_of(language: str) -> EmbeddingModel:
    """What embeds documents of a language where nothing else is said."""
    is_english = language.partition("-")[0].lower() == "en"
    return EmbeddingModel.MINILM if is_english else EmbeddingModel.E5


class Embedding(ContractModel):
    """How passages and questions become vectors, so that they are found by what they mean."""

    model: EmbeddingModel = Field(
        description="The model. MiniLM-L6-v2 (all-MiniLM-L6-v2) reads English only; MultilingualE5-small reads about "
        "100 languages, at four times the work."
    )


class KnowledgeBaseSpec(ContractModel):
    """Which documents, in which language."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.sources.all(source, has(source.path)) || self.sources.all(source, !has(source.path))",
            "sources must be all of a laptop (path) or all of a cluster (configMap, volumeClaim)",
            lambda spec: len({source.path is None for source in spec.sources}) == 1,
        ),
        Rule(
            "!has(self.embedding) || self.embedding.model != 'MiniLM-L6-v2' || self.language == 'en'",
            "MiniLM-L6-v2 reads English only: leave embedding out or set model to MultilingualE5-small",
            lambda spec: (
                spec.embedding is None or spec.embedding.model is not EmbeddingModel.MINILM or spec.language == "en"
            ),
        ),
    )

    language: LanguageCode = Field(default="en", description="Language of the documents, two letters of ISO 639-1.")
    sources: Annotated[tuple[KnowledgeSource, ...], MapBy("name")] = Field(
        min_length=1, max_length=16, description="Where the documents are."
    )
    embedding: Embedding | None = Field(
        default=None,
        description="The embedding model. Default: MiniLM-L6-v2 for English, MultilingualE5-small for every other "
        "language. After a change every passage is embedded anew, and the old vectors answer until the last is.",
    )

    @property
    def embedding_model(self) -> EmbeddingModel:
        """The one that is set, or that of the language."""
        return self.embedding.model if self.embedding is not None else embedding_model_of(self.language)


class KnowledgeBase(KubernetesObject):
    """Documents that agents answer from and cite."""

    plural: ClassVar[str] = "knowledgebases"
    short_names: ClassVar[tuple[str, ...]] = ("kb",)
    columns: ClassVar[tuple[Column, ...]] = (
        condition_column("Ready", "Ready", "status"),
        condition_column("Reason", "Ready", "reason"),
        Column("Language", ".spec.language"),
        Column("Embedding", ".spec.embedding.model"),
    )
    status_model: ClassVar[type[ContractModel] | None] = CompanionStatus

    api_version: Literal["supportplane.io/v1alpha1"] = Field(
        default=API_VERSION, description="Version of the contract."
    )
    kind: Literal["KnowledgeBase"] = Field(default="KnowledgeBase", description="The kind of the object.")
    spec: KnowledgeBaseSpec = Field(description="Which documents, in which language.")
