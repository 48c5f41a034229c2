from supportplane_crds.reasons import Reason, Trait, reasons_with


def test_a_reason_is_its_word_and_has_a_sentence() -> None:
    assert str(Reason.SECRET_NOT_FOUND) == "SecretNotFound"
    assert all(each.meaning.endswith((".", "?")) for each in Reason)


def test_a_reason_says_what_follows_from_it() -> None:
    assert Trait.NEEDS_A_PERSON in Reason.INVALID_SPEC.traits
    assert Reason.CRASH_LOOPING.traits == Trait.KEEPS_A_POD_DOWN
    assert Reason.SERVING.traits == Trait.NONE


def test_a_missing_object_keeps_a_pod_down_until_a_person_makes_it() -> None:
    missing = reasons_with(Trait.IS_REFERENCE)
    assert missing == {Reason.SECRET_NOT_FOUND, Reason.CONFIG_MAP_NOT_FOUND, Reason.VOLUME_CLAIM_NOT_FOUND}
    assert missing < reasons_with(Trait.KEEPS_A_POD_DOWN)
    assert missing < reasons_with(Trait.NEEDS_A_PERSON)
