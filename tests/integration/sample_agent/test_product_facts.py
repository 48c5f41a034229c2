"""Forty questions about the product, each with the fact of the code that a true answer holds."""

from pathlib import Path

from ruamel.yaml import YAML

import product_facts

QUESTIONS: list[dict[str, str]] = YAML(typ="safe").load(Path(__file__).with_name("product_questions.yaml"))
FACTS = {fact.__name__: fact for fact in product_facts.FACTS}


def test_each_of_forty_facts_is_asked_for_once() -> None:
    assert sorted(entry["fact"] for entry in QUESTIONS) == sorted(FACTS)
    assert len(QUESTIONS) == 40
