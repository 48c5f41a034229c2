from supportplane_runtime.rag.documents.context import context


def test_the_authors_description_and_the_words_of_the_path_are_the_context() -> None:
    fields = {"title": "Getting started", "description": "First steps with\n the lamp."}
    assert context(fields, "products/glow-lamp/getting_started.md", "Getting started") == (
        "First steps with the lamp.",
        "products glow lamp",
    )


def test_folders_and_files_that_say_what_the_title_says_are_left_out() -> None:
    assert context({}, "keys/rotate-keys.md", "Rotate keys") == ()


def test_the_names_of_a_folders_own_page_say_nothing() -> None:
    assert context({}, "lamp/README.md", "Welcome") == ("lamp",)
    assert context({}, "lamp/index.html", "Welcome") == ("lamp",)


def test_a_long_description_is_cut() -> None:
    (description,) = context({"description": "word " * 100_000}, "d/x.md", "")
    assert len(description) == 200


def test_marks_of_an_order_in_names_say_nothing() -> None:
    assert context({}, "01/b_n_r-backup_2.en.md", "Welcome") == ("backup en",)
