"""An agent file to a frozen ``AgentFile``: one SupportAgent with the ModelEndpoints and KnowledgeBases it names.

``load_agent_file`` reads a file and checks that its knowledge sources exist; ``parse_agent_file`` checks a text alone;
``agent_from_objects`` and ``parse_object`` take objects as an API server returns them. The command line, the runtime,
the operator and tests call these. Every mistake is reported at once, in InvalidAgentFile or InvalidObject.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from supportplane_crds.documents import MAX_BYTES, Document, Unreadable, read_documents, render_path
from supportplane_crds.documents import Path as ValuePath
from supportplane_crds.errors import InvalidAgentFile, InvalidObject, Problem
from supportplane_crds.knowledge_base import KnowledgeBase, KnowledgeSource
from supportplane_crds.model_endpoint import ModelEndpoint
from supportplane_crds.objects import API_VERSION, KubernetesObject
from supportplane_crds.sentences import nearest, problems_of
from supportplane_crds.support_agent import SupportAgent
from supportplane_crds.support_agent_class import SupportAgentClass

KINDS: Mapping[str, type[KubernetesObject]] = {
    "SupportAgent": SupportAgent,
    "ModelEndpoint": ModelEndpoint,
    "KnowledgeBase": KnowledgeBase,
    "SupportAgentClass": SupportAgentClass,
}
_TOO_LARGE = Problem(f"is larger than {MAX_BYTES // 1024} KiB, the most an agent file may have")
# What the API server adds to a stored object: a file exported with `kubectl get -o yaml` can be used as it is.
_SERVER_METADATA = (
    *("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "finalizers", "ownerReferences", "generateName"),
)


@dataclass(frozen=True, slots=True)
class AgentFile:
    """A valid file: every reference inside it can be followed."""

    path: Path
    agent: SupportAgent
    model_endpoints: tuple[ModelEndpoint, ...]
    knowledge_bases: tuple[KnowledgeBase, ...]
    classes: tuple[SupportAgentClass, ...] = ()

    @property
    def model_endpoint(self) -> ModelEndpoint:
        """The one that the agent uses."""
        wanted = self.agent.spec.template.model.model_ref.name
        return next(endpoint for endpoint in self.model_endpoints if endpoint.name == wanted)

    @property
    def judge_endpoint(self) -> ModelEndpoint | None:
        """The one that judges sentences, None where the agent names none."""
        named = self.agent.spec.template.model.judge_ref
        return next((each for each in self.model_endpoints if named is not None and each.name == named.name), None)

    def knowledge_base(self, name: str) -> KnowledgeBase:
        """By a name of spec.template.knowledge."""
        return next(base for base in self.knowledge_bases if base.name == name)

    def source_path(self, source: KnowledgeSource) -> Path:
        """Where the documents of a source are on a laptop, absolute. Raises ValueError for one of a cluster."""
        if source.path is None:
            raise ValueError(f"source {source.name} has no path")
        return Path(os.path.realpath(self.path.parent / source.path))  # unlike resolve() quiet about links in a circle


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An object with the document it came from."""

    item: KubernetesObject
    document: Document

    @property
    def label(self) -> str:
        return f"{type(self.item).__name__}/{self.item.name}"

    def problem(self, message: str, path: ValuePath, *, allowed: tuple[str, ...] = (), word: str = "") -> Problem:
        position = self.document.position(path)
        return Problem(
            message,
            path=render_path(path),
            line=position.line,
            column=position.column,
            document=self.label,
            allowed=allowed,
            suggestion=nearest(word, allowed),
        )


def load_agent_file(path: Path, *, check_sources: bool = True) -> AgentFile:
    """Read and check a file. Raises InvalidAgentFile.

    check_sources: also that what its knowledge sources name exists; not for pods, which do not mount the documents.
    """
    agent_file, loaded = _parse(_read(path), path)
    problems = list(_missing_sources(agent_file, loaded)) if check_sources else []
    if problems:
        raise InvalidAgentFile(path, problems)
    return agent_file


def parse_agent_file(text: str, path: Path) -> AgentFile:
    """Check a text; path: where it stands or would stand, for relative sources. Raises InvalidAgentFile."""
    return _parse(text, path)[0]


def agent_from_objects(objects: Iterable[Mapping[str, Any]], path: Path = Path("agent.yaml")) -> AgentFile:
    """Check objects as an API server returns them, together. path: for relative sources and the message.

    Raises InvalidAgentFile, as for a file that holds them, but without lines.
    """
    return _checked([_stored(values) for values in objects], path)[0]


def parse_object(values: Mapping[str, Any]) -> KubernetesObject:
    """Check one object as an API server returns it, with status and managed fields. Raises InvalidObject."""
    found = _object_of(_stored(values))
    if isinstance(found, _Loaded):
        return found.item
    raise InvalidObject(_label(_stored(values)), found)


def _stored(values: Mapping[str, Any]) -> Document:
    return Document(dict(values), {}, ())


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidAgentFile(path, [Problem(f"cannot be read: {reason}")]) from error
    if len(content) > MAX_BYTES:
        raise InvalidAgentFile(path, [_TOO_LARGE])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InvalidAgentFile(path, [Problem("is not UTF-8 text", line=line)]) from error


def _parse(text: str, path: Path) -> tuple[AgentFile, list[_Loaded]]:
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise InvalidAgentFile(path, [_TOO_LARGE])
    try:
        documents = read_documents(text)
    except Unreadable as error:
        raise InvalidAgentFile(path, [error.problem]) from error
    return _checked(documents, path)


def _checked(documents: list[Document], path: Path) -> tuple[AgentFile, list[_Loaded]]:
    found = [_object_of(document) for document in documents]
    loaded = [each for each in found if isinstance(each, _Loaded)]
    problems = [problem for each in found if not isinstance(each, _Loaded) for problem in each]
    problems += _problems_between(loaded, is_complete=not problems)
    if problems:
        raise InvalidAgentFile(path, problems)
    return _agent_file(path, loaded), loaded


def _object_of(document: Document) -> _Loaded | list[Problem]:
    kind = _kind_of(document)
    if isinstance(kind, Problem):
        return [*document.problems, kind]
    values = _without_server_fields(document.values)
    try:
        item = kind.model_validate_json(json.dumps(values), by_name=False, by_alias=True)
    except ValidationError as error:
        return [*document.problems, *_new_problems(error, kind, document)]
    return list(document.problems) if document.problems else _Loaded(item, document)


def _new_problems(error: ValidationError, kind: type[KubernetesObject], document: Document) -> Iterator[Problem]:
    """What the model refuses, without the places that could not be read in the first place."""
    known = {problem.path for problem in document.problems}
    label = _label(document)
    for details in error.errors(include_url=False):
        for problem in problems_of(details, model=kind, document=document, label=label):
            if problem.path not in known:
                yield problem


def _kind_of(document: Document) -> type[KubernetesObject] | Problem:
    values = document.values
    if not isinstance(values, dict):
        return _top_problem(document, "", "must be a mapping with apiVersion, kind, metadata and spec")
    if values.get("apiVersion") != API_VERSION:
        return _top_problem(document, "apiVersion", "must be the version of the contract", allowed=(API_VERSION,))
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return _top_problem(document, "kind", "must be a kind of the contract", allowed=tuple(KINDS))
    return KINDS[kind]


def _top_problem(document: Document, field: str, message: str, *, allowed: tuple[str, ...] = ()) -> Problem:
    position = document.position((field,))
    word = document.values.get(field) if field else ""
    suggestion = nearest(word, allowed) if isinstance(word, str) else None
    missing = f"is missing: it {message}" if field and field not in document.values else message
    return Problem(
        missing, path=field, line=position.line, column=position.column, allowed=allowed, suggestion=suggestion
    )


def _label(document: Document) -> str:
    metadata = document.values.get("metadata")
    name = metadata.get("name", "") if isinstance(metadata, dict) else ""
    return f"{document.values.get('kind', '')}/{name}"


def _without_server_fields(values: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if key != "status"}
    if isinstance(kept.get("metadata"), dict):
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key not in _SERVER_METADATA}
    return kept


def _problems_between(loaded: list[_Loaded], *, is_complete: bool) -> list[Problem]:
    """is_complete: every document could be read; only then can something be said to be missing from the file."""
    problems = [*_same_names(loaded), *_second_agents(loaded)]
    if not is_complete:
        return problems
    if not any(isinstance(each.item, SupportAgent) for each in loaded):
        return [*problems, Problem("holds no SupportAgent", allowed=tuple(KINDS))]
    return [*problems, *_dangling(loaded), *_foreign_namespaces(loaded)]


def _same_names(loaded: list[_Loaded]) -> Iterator[Problem]:
    seen: set[str] = set()
    for each in loaded:
        if each.label in seen:
            kind, _, name = each.label.partition("/")
            yield each.problem(f"the file has another {kind} of the name {name}", ("metadata", "name"))
        seen.add(each.label)


def _second_agents(loaded: list[_Loaded]) -> Iterator[Problem]:
    agents = [each for each in loaded if isinstance(each.item, SupportAgent)]
    for each in agents[1:]:
        yield each.problem(f"a file describes one agent, and {agents[0].item.name} is in it already", ("kind",))


def _names(loaded: list[_Loaded], kind: type[KubernetesObject]) -> tuple[str, ...]:
    return tuple(each.item.name for each in loaded if isinstance(each.item, kind))


def _dangling(loaded: list[_Loaded]) -> Iterator[Problem]:
    """References of agents to objects that the file does not hold."""
    endpoints, bases = _names(loaded, ModelEndpoint), _names(loaded, KnowledgeBase)
    for each in loaded:
        if not isinstance(each.item, SupportAgent):
            continue
        template = each.item.spec.template
        judge = template.model.judge_ref
        named = [("modelRef", template.model.model_ref.name), *([("judgeRef", judge.name)] if judge else [])]
        for field, wanted in named:
            if wanted not in endpoints:
                path: ValuePath = ("spec", "template", "model", field, "name")
                yield each.problem(f"the file has no ModelEndpoint {wanted}", path, allowed=endpoints, word=wanted)
        for index, reference in enumerate(template.knowledge):
            if reference.name not in bases:
                path = ("spec", "template", "knowledge", index, "name")
                message = f"the file has no KnowledgeBase {reference.name}"
                yield each.problem(message, path, allowed=bases, word=reference.name)


def _foreign_namespaces(loaded: list[_Loaded]) -> Iterator[Problem]:
    namespaced = [each for each in loaded if type(each.item).is_namespaced]
    first = namespaced[0]
    for each in namespaced[1:]:
        if each.item.metadata.namespace != first.item.metadata.namespace:
            here, there = each.item.metadata.namespace or "none", first.item.metadata.namespace or "none"
            message = f"references stay in one namespace: this is {here}, {first.label} is in {there}"
            yield each.problem(message, ("metadata", "namespace"))


def _agent_file(path: Path, loaded: list[_Loaded]) -> AgentFile:
    items = [each.item for each in loaded]
    return AgentFile(
        path=path,
        agent=next(item for item in items if isinstance(item, SupportAgent)),
        model_endpoints=tuple(item for item in items if isinstance(item, ModelEndpoint)),
        knowledge_bases=tuple(item for item in items if isinstance(item, KnowledgeBase)),
        classes=tuple(item for item in items if isinstance(item, SupportAgentClass)),
    )


def _missing_sources(agent_file: AgentFile, loaded: list[_Loaded]) -> Iterator[Problem]:
    for each in loaded:
        if not isinstance(each.item, KnowledgeBase):
            continue
        for index, source in enumerate(each.item.spec.sources):
            if source.path is None:
                continue
            where = agent_file.source_path(source)
            if not os.path.exists(where):  # noqa: PTH110 -- Path.exists raises for a name that is too long
                path: ValuePath = ("spec", "sources", index, "path")
                yield each.problem(f"there is no file or directory {where}", path)
