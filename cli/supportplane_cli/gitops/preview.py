"""Two builds of each overlay to what a change alters: objects, the agent's revision, and whether it is right at all.

The result is Markdown for a comment on a pull request. What stands in documents and commits is not trusted with it:
everything that they say is inside of a fence that they cannot close.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMENT = 60_000  # characters; GitHub takes 65,536 in a comment
_OURS = {"SupportAgent", "ModelEndpoint", "KnowledgeBase"}

Manifest = dict[str, Any]
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Build:
    """problem: why the agent in it would be refused, empty when it is right. revision: empty without a right agent."""

    text: str
    objects: Mapping[Key, Manifest]
    revision: str
    problem: str


NOTHING = Build("", {}, "", "")


@dataclass(frozen=True, slots=True)
class Change:
    overlay: str
    before: Build
    after: Build

    @property
    def is_any(self) -> bool:
        return self.before.objects != self.after.objects or bool(self.after.problem)

    @property
    def effect(self) -> str:
        """One cell of the table."""
        if self.after.problem:
            return "**the agent would be refused**"
        if not self.after.revision:
            return "the agent is removed"
        if not self.before.revision:
            return "a new agent"
        if self.before.revision != self.after.revision:
            return f"a new revision rolls out: {self.before.revision} -> {self.after.revision}"
        return "no new revision"


def read_build(text: str) -> Build:
    """Of what kustomize printed."""
    from ruamel.yaml import YAML

    objects = {_key(each): each for each in YAML(typ="safe", pure=True).load_all(text) if each}
    revision, problem = _judged([each for each in objects.values() if each["kind"] in _OURS])
    return Build(text, objects, revision, problem)


def _key(manifest: Manifest) -> Key:
    return manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


def _judged(objects: list[Manifest]) -> tuple[str, str]:
    """The revision, or why there is none, as the operator would see it."""
    from supportplane_cli.commands.render import snapshot_of
    from supportplane_crds import InvalidAgentFile
    from supportplane_crds.load import agent_from_objects
    from supportplane_operator.revision import revision_of
    from supportplane_operator.settings import load_settings

    if not any(each["kind"] == "SupportAgent" for each in objects):
        return "", ""
    try:
        file = agent_from_objects(objects, Path("overlay"))
    except InvalidAgentFile as error:
        return "", str(error)
    namespace = file.agent.metadata.namespace or "default"
    return revision_of(snapshot_of(file, namespace=namespace, capabilities=()), load_settings()), ""


def markdown(changes: Iterable[Change]) -> str:
    """At most COMMENT characters."""
    altered = [each for each in changes if each.is_any]
    if not altered:
        return "## What this change alters on clusters\n\nNothing: every overlay builds the same objects as before.\n"
    rows = [f"| `{each.overlay}` | {_counted(each)} | {each.effect} |" for each in altered]
    head = ["## What this change alters on clusters", "", "| overlay | objects | effect |", "|---|---|---|", *rows, ""]
    parts = ["\n".join(head), *(_details(each) for each in altered)]
    return _cut("\n".join(parts))


def _counted(change: Change) -> str:
    before, after = change.before.objects, change.after.objects
    counts = {
        "added": len(after.keys() - before.keys()),
        "removed": len(before.keys() - after.keys()),
        "changed": sum(before[key] != after[key] for key in before.keys() & after.keys()),
    }
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"


def _details(change: Change) -> str:
    lines = difflib.unified_diff(
        change.before.text.splitlines(), change.after.text.splitlines(), "before", "after", lineterm=""
    )
    title = f"<details><summary>{change.overlay}</summary>"
    refused = [_fenced(change.after.problem, "")] if change.after.problem else []
    return "\n\n".join([title, *refused, _fenced("\n".join(lines), "diff"), "</details>\n"])


def _fenced(text: str, language: str) -> str:
    """In a fence longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _cut(text: str) -> str:
    """A comment that is too long keeps its table."""
    if len(text) <= COMMENT:
        return text
    head = text.split("<details>", 1)[0]
    return f"{head[:COMMENT]}\nThe differences are too long for a comment: `supportplane preview` shows them.\n"
