from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from support.operator.samples import SAMPLES, SETTINGS, of_file, snapshot
from supportplane_crds import parse_agent_file
from supportplane_crds.documents import read_documents
from supportplane_operator.documents import yaml_text
from supportplane_operator.render.plan import Plan

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_texts_come_back_as_they_were(texts: list[str]) -> None:
    document = {f"key-{index}": text for index, text in enumerate(texts)}
    assert YAML(typ="safe", pure=True).load(yaml_text([document])) == document


@pytest.mark.parametrize("word", ["yes", "No", "on", "y", "null", "1", "1e3", "0x1", "12:30", "2020-01-01", "~", ""])
def test_words_that_readers_understand_differently_are_quoted(word: str) -> None:
    (document,) = read_documents(yaml_text([{"a": word, "b": [word]}]))
    assert document.values == {"a": word, "b": [word]}
    assert document.problems == ()


def test_values_that_stand_there_twice_are_written_twice() -> None:
    shared = {"a": ["b"]}
    assert "&" not in yaml_text([{"first": shared, "second": shared}])


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_agent_file_of_every_sample_is_one_that_the_runtime_reads(path: Path) -> None:
    file = parse_agent_file(path.read_text(), path)
    found = parse_agent_file(Plan(of_file(file), SETTINGS).agent_file, path)
    assert found.agent.spec.template == file.agent.spec.template
    assert found.agent.spec.mode == file.agent.spec.mode
    assert found.agent.spec.gateway.rate_limits == file.agent.spec.gateway.rate_limits
    assert found.agent.spec.gateway.trusted_proxies == file.agent.spec.gateway.trusted_proxies
    assert all(source.path for base in found.knowledge_bases for source in base.spec.sources)


def test_a_model_server_of_the_cluster_is_an_address_to_the_runtime() -> None:
    serving = {"engine": "VLLM", "image": "vllm/vllm:1", "model": "a/b"}
    text = Plan(snapshot(endpoint={"serving": serving}), SETTINGS).agent_file
    endpoint = parse_agent_file(text, Path("agent.yaml")).model_endpoint
    assert (endpoint.spec.url, endpoint.spec.model) == ("http://slm-model.acme.svc/v1", "a/b")
