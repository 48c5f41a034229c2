import pytest

from supportplane_runtime.orchestrator.foreign import is_foreign
from supportplane_runtime.orchestrator.language import detect

FOREIGN = [
    ("Wie archiviere ich einen Kanal?", ["en"]),
    ("¿Cómo archivo un canal?", ["en"]),
    ("チャンネルをアーカイブするには", ["en"]),
    ("Как отправить канал в архив?", ["en", "de"]),
    ("Velora timbu korela samaran?", ["en"]),
    ("How do I archive a channel?", ["de"]),
]
AT_HOME = [
    ("How do I archive a channel?", ["en"]),
    ("Wie archiviere ich einen Kanal?", ["en", "de"]),
    ("API key rotation", ["en"]),
    ("???", ["en"]),
    ("Velora timbu korela samaran?", ["xx"]),  # nothing is known of the language, so nothing can be told
]


@pytest.mark.parametrize(("message", "documents"), FOREIGN)
def test_a_question_in_another_language_than_the_documents_is_foreign(message: str, documents: list[str]) -> None:
    assert is_foreign(message, detect(message, expected=documents[0]), documents)


@pytest.mark.parametrize(("message", "documents"), AT_HOME)
def test_a_question_in_a_language_of_the_documents_is_not(message: str, documents: list[str]) -> None:
    assert not is_foreign(message, detect(message, expected=documents[0]), documents)
