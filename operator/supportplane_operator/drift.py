"""Whether what is stored is what is wanted: pure, and free for an object that nobody touched.

An object needs an apply when a wanted value is not there, or when the operator still owns a field that is no longer
wanted (its managed fields say so). What the server adds, defaults or lets others own is no drift. ``apply`` calls this.
"""

from typing import Any

import orjson

from supportplane_operator.snapshot import Manifest


def needs_apply(wanted: Manifest, live: Manifest | None, *, normal: Manifest | None = None) -> bool:
    """normal: how the server stored ``wanted`` before, where it writes values in another way than they came."""
    if live is None:
        return True
    expected = normal or wanted
    if wanted["kind"] == "Job":  # its pods cannot be changed; its name carries the hash of what they run
        expected = _without_pods(expected)
    return not is_within(expected, live) or has_leftovers(wanted, live)


def is_within(wanted: Any, live: Any) -> bool:
    """Every wanted value is there; lists have the same length."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(key in live and is_within(wanted[key], live[key]) for key in wanted)
    if isinstance(wanted, list):
        same_length = isinstance(live, list) and len(live) == len(wanted)
        return same_length and all(map(is_within, wanted, live))
    return bool(wanted == live)


def has_leftovers(wanted: Manifest, live: Manifest) -> bool:
    """Whether the operator owns a field of the stored object that it does not want any more."""
    for entry in live.get("metadata", {}).get("managedFields") or ():
        if _is_left_over(entry.get("fieldsV1") or {}, wanted):
            return True
    return False


def projected(wanted: Any, live: Any) -> Any:
    """The stored values of the wanted fields: what to compare with next time.

    A field that the server did not store, such as an empty list, is left out, or it would be sent each time.
    """
    if isinstance(wanted, dict) and isinstance(live, dict):
        return {key: projected(value, live[key]) for key, value in wanted.items() if key in live}
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        return [projected(one, other) for one, other in zip(wanted, live, strict=True)]
    return live


def _is_left_over(fields: dict[str, Any], wanted: Any) -> bool:
    """fields: as in managedFields, ``f:`` for a key, ``k:`` for an entry by its keys, ``v:`` for a value of a set."""
    return any(_is_unwanted(mark, below, wanted) for mark, below in fields.items())


def _is_unwanted(mark: str, below: dict[str, Any], wanted: Any) -> bool:
    kind, _, name = mark.partition(":")
    if kind == "f":
        return not isinstance(wanted, dict) or name not in wanted or _is_left_over(below, wanted[name])
    if kind == "k":
        entry = _entry(orjson.loads(name), wanted)
        return entry is None or _is_left_over(below, entry)
    if kind == "v":
        return not isinstance(wanted, list) or orjson.loads(name) not in wanted
    return False  # "." is the field itself, which its parent's mark has told of


def _entry(keys: dict[str, Any], wanted: Any) -> Any:
    """The entry of a list that has these keys; a key that the server defaults may be absent in what is wanted."""
    if not isinstance(wanted, list):
        return None
    found = (each for each in wanted if isinstance(each, dict) and _has_keys(each, keys))
    return next(found, None)


def _has_keys(entry: dict[str, Any], keys: dict[str, Any]) -> bool:
    present = [key for key in keys if key in entry]
    return bool(present) and all(entry[key] == keys[key] for key in present)


def _without_pods(job: Manifest) -> Manifest:
    spec = {key: value for key, value in job.get("spec", {}).items() if key not in {"template", "selector"}}
    return {**job, "spec": spec}
