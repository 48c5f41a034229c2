from supportplane_runtime.domain.knowledge import Chunk
from supportplane_runtime.rag.words.searchable import searchable_text


def test_title_context_and_headings_stand_once_before_the_searchable_text() -> None:
    chunk = Chunk("id", "d", "Guide", ("Guide", "Keys"), "Rotate them.", "u", 0, context=("Who may call.", "Keys"))
    assert searchable_text(chunk) == "Guide\nWho may call.\nKeys\nRotate them."
