"""Every spoken language from detection to intent, by the messages in data/messages.yaml."""

from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from supportplane_runtime.domain.conversation import Message, Role
from supportplane_runtime.orchestrator.language import detect, spoken_languages
from supportplane_runtime.orchestrator.nodes.understand import understand
from supportplane_runtime.orchestrator.state import Intent

MESSAGES: Final[dict[str, dict[str, Any]]] = YAML(typ="safe").load(
    (Path(__file__).parent.parent / "data" / "messages.yaml").read_text("utf-8")
)
INTENTS = [("vague", Intent.UNDERSPECIFIED), ("question", Intent.QUESTION), ("wish", Intent.PERSON)]


def test_every_spoken_language_has_messages() -> None:
    assert MESSAGES.keys() == spoken_languages().keys()


@pytest.mark.parametrize("expected", ["en", "ja"])
@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_message_is_understood_in_its_language(code: str, expected: str) -> None:
    for key, intent in [*INTENTS, ("about", Intent.QUESTION)]:
        known = understand(MESSAGES[code][key], [], expected_language=expected)
        assert (known.intent, known.language) == (intent, code), MESSAGES[code][key]


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_small_talk_gets_its_reply(code: str) -> None:
    kind, message = MESSAGES[code]["talk"]
    known = understand(message, [], expected_language="en")
    assert (known.intent, known.language, known.reply) == (Intent.SMALL_TALK, code, kind)


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_a_follow_up_leans_on_the_question_before(code: str) -> None:
    question, follow_up = MESSAGES[code]["question"], MESSAGES[code]["follow_up"]
    history = [Message(Role.USER, question), Message(Role.ASSISTANT, "...")]
    assert understand(follow_up, history, expected_language="en").question == f"{question}\n{follow_up}"


MIXED = [
    ("Supportplane Gateway の API キーを変更するには", "ja"),
    ("Wie ändere ich the default gateway?", "de"),
    ("What does 設定 mean on the settings page?", "en"),
    ("Как обновить Kubernetes cluster до новой версии?", "ru"),
    ("كيف أثبت Supportplane على Kubernetes؟", "ar"),
    ("چگونه Helm chart را نصب کنم؟", "fa"),
    ("Helm chart کیسے انسٹال کروں؟", "ur"),
    ("docker compose up 报错怎么办", "zh"),
    ("Helm chart 설치 방법 알려 주세요", "ko"),
    ("返品方法", "ja"),
    ("退货流程是什么", "zh"),
    ("API key", "ja"),
]


@pytest.mark.parametrize(("text", "code"), MIXED, ids=[text for text, _ in MIXED])
def test_a_mixed_text_has_the_language_of_its_larger_part(text: str, code: str) -> None:
    assert detect(text, expected="ja") == code


@pytest.mark.parametrize(
    "message", ["谢谢" * 2000 + "x", "ครับ" * 1000 + "!x", "네 " * 2000 + "x", "お願い" * 1300 + "x"]
)
@pytest.mark.timeout(10)
def test_a_hostile_message_without_blanks_is_understood_at_once(message: str) -> None:
    for code in ("zh", "ja", "th", "ko"):
        assert understand(message, [], expected_language=code).intent is not None
