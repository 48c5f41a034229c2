from pathlib import Path
from typing import Any

import pytest

from supportplane_cli.errors import WrongUsage
from supportplane_cli.paths import DataDir
from supportplane_cli.supervisor.plan import (
    EmbeddedModel,
    FileModel,
    HubFile,
    RemoteModel,
    UpOptions,
    make_plan,
    parse_hub_file,
)

AGENT = """
apiVersion: supportplane.io/v1alpha1
kind: SupportAgent
metadata: {name: help}
spec:
  tenant: {id: shop}
  template:
    model: {modelRef: {name: slm}}
---
apiVersion: supportplane.io/v1alpha1
kind: ModelEndpoint
metadata: {name: slm}
spec: ENDPOINT
"""
EMBEDDED = "{embedded: {model: SmolLM2-135M-Instruct}}"


def options(tmp_path: Path, endpoint: str = EMBEDDED, **flags: Any) -> UpOptions:
    path = tmp_path / "agent.yaml"
    path.write_text(AGENT.replace("ENDPOINT", endpoint))
    return UpOptions(agent_file=path, data=DataDir(tmp_path / "data"), **flags)


def test_the_file_alone_gives_the_embedded_model_and_the_file_s_tenant(tmp_path: Path) -> None:
    plan = make_plan(options(tmp_path))
    assert plan.model == EmbeddedModel("SmolLM2-135M-Instruct", None)
    assert (plan.tenant, plan.url) == ("shop", "http://127.0.0.1:8080")


def test_a_url_in_the_file_starts_no_model_here(tmp_path: Path) -> None:
    plan = make_plan(options(tmp_path, "{url: 'https://models.example.com/v1', model: qwen3}"))
    assert isinstance(plan.model, FileModel)
    assert plan.model.url.startswith("https://models.example.com")


def test_the_flag_wins_over_the_file(tmp_path: Path) -> None:
    flags: dict[str, Any] = {"model": "http://127.0.0.1:8000/v1/", "model_name": "qwen3", "model_key_file": Path("key")}
    plan = make_plan(options(tmp_path, **flags))
    assert plan.model == RemoteModel("http://127.0.0.1:8000/v1", "qwen3", Path("key"))


def test_a_hub_file_is_named_by_owner_repository_path_and_revision() -> None:
    assert parse_hub_file("hf:o/r/q4.gguf") == HubFile("o/r", "q4.gguf", "main")
    assert parse_hub_file("hf:o/r/dir/q4.gguf@v2") == HubFile("o/r", "dir/q4.gguf", "v2")
    assert parse_hub_file("hf:o/r/dir/q4.gguf").name == "q4"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"model": "hf:o/r"}, "does not name a GGUF file"),
        ({"model": "hf:o/r/model.bin"}, "does not name a GGUF file"),
        ({"model": "qwen3"}, "neither hf:owner/repo/file.gguf nor"),
        ({"model": "http://127.0.0.1/v1"}, "needs the name of the model"),
        ({"model_name": "qwen3"}, "which is missing"),
    ],
)
def test_flags_that_make_no_sense_are_a_sentence(tmp_path: Path, flags: dict[str, str], sentence: str) -> None:
    with pytest.raises(WrongUsage, match=sentence):
        make_plan(options(tmp_path, **flags))


SERVING = "{serving: {engine: VLLM, image: 'vllm/vllm-openai:v0.15.0', model: Qwen/Qwen3-8B}}"
BASE = """
---
apiVersion: supportplane.io/v1alpha1
kind: KnowledgeBase
metadata: {name: docs}
spec:
  sources:
  - {name: a, volumeClaim: {name: documents}}
"""


def test_a_model_that_a_cluster_serves_cannot_be_used_here(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"ModelEndpoint/slm: spec[.]serving runs a model server on a cluster"):
        make_plan(options(tmp_path, SERVING))


def test_a_model_that_a_cluster_serves_can_be_replaced_by_a_flag(tmp_path: Path) -> None:
    assert isinstance(make_plan(options(tmp_path, SERVING, model="hf:o/r/q4.gguf")).model, EmbeddedModel)


def test_documents_of_a_cluster_cannot_be_read_here(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"KnowledgeBase/docs: spec.sources\[0\].volumeClaim is read on a cluster"):
        make_plan(options(tmp_path, EMBEDDED + BASE))


def test_what_has_no_effect_here_is_named_and_nothing_else(tmp_path: Path) -> None:
    assert make_plan(options(tmp_path)).without_effect == ()
    chosen = options(tmp_path)
    text = chosen.agent_file.read_text().replace("  tenant:", "  scaling: {replicas: 3}\n  tenant:")
    klass = "---\napiVersion: supportplane.io/v1alpha1\nkind: SupportAgentClass\nmetadata: {name: x}\nspec: {}\n"
    chosen.agent_file.write_text(text + klass)
    assert make_plan(chosen).without_effect == ("spec.scaling", "SupportAgentClass/x")


def test_a_wrong_agent_file_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="line"):
        make_plan(options(tmp_path, "{embeded: {}}"))


def test_a_source_that_is_gone_is_refused_where_nothing_can_be_indexed_and_told_where_something_can(
    tmp_path: Path,
) -> None:
    base = "---\napiVersion: supportplane.io/v1alpha1\nkind: KnowledgeBase\nmetadata: {name: docs}\n"
    gone = options(tmp_path)
    gone.agent_file.write_text(gone.agent_file.read_text() + base + "spec: {sources: [{name: docs, path: nowhere}]}\n")
    with pytest.raises(WrongUsage, match="there is no file or directory"):
        make_plan(gone)
    gone.data.postgres.mkdir(parents=True)
    (missing,) = make_plan(gone).missing_sources
    assert "there is no file or directory" in missing
