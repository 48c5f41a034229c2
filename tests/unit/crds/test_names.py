"""Names that stand in a cluster fit there, and the page about them leaves none out."""

import re

import pytest

from support.repository import REPOSITORY
from supportplane_crds import ConditionType, Reason, names
from supportplane_crds.kubernetes_page import CHILDREN, SECRETS, kubernetes_page

LONGEST = "a" * 40
REVISION = "0123456789"
PAGE = (REPOSITORY / "docs/reference/kubernetes.md").read_text(encoding="utf-8")


def children() -> list[str]:
    of_agent = (names.gateway, names.orchestrator, names.alerts, names.dashboard, names.database, names.database_secret)
    stores = (names.cache, names.weaviate, names.model)
    of_revision = (names.migrate_job, names.knowledge_job)
    return [*(name(LONGEST) for name in (*of_agent, *stores)), *(name(LONGEST, REVISION) for name in of_revision)]


@pytest.mark.parametrize("name", children())
def test_a_child_of_the_longest_name_is_still_a_dns_label(name: str) -> None:
    assert len(name) <= 63
    assert re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name)


@pytest.mark.parametrize("name", [names.orchestrator(LONGEST, REVISION), names.config(LONGEST, REVISION)])
def test_a_name_that_no_label_and_no_host_bears_may_be_longer(name: str) -> None:
    """Of a Deployment and a ConfigMap; of a Service, a StatefulSet and a Job they would have to be labels."""
    assert len(name) <= 253 - len("-0123456789-01234")


def test_no_two_children_share_a_name() -> None:
    assert len(children()) == len(set(children()))


@pytest.mark.parametrize("word", [*names.LABELS, *names.ANNOTATIONS, names.FIELD_MANAGER, names.FINALIZER])
def test_a_name_is_on_the_page(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("word", [*ConditionType, *Reason])
def test_a_condition_and_a_reason_are_one_word_with_a_sentence_on_the_page(word: ConditionType | Reason) -> None:
    assert re.fullmatch("[A-Z][A-Za-z]+", word)
    assert re.fullmatch(r"[A-Za-z].{8,}[.?]", word.meaning)
    assert f"- `{word}`: {word.meaning}\n" in PAGE


def test_the_page_is_made_of_these_names() -> None:
    assert kubernetes_page() == PAGE
    assert all(f"- `{entry}`: " in PAGE for entry in (*CHILDREN, *SECRETS))


def test_a_service_is_reached_by_a_name_that_fits_every_cluster_domain() -> None:
    assert names.service_host("shop-gateway", "acme") == "shop-gateway.acme.svc"
    assert names.status_audience("acme", "shop") == "acme/shop"
