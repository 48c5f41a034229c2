"""Quantities as the API server writes them back, so that a stored object equals the rendered one."""

import re
from collections.abc import Mapping
from decimal import Decimal

_BINARY = ("", "Ki", "Mi", "Gi", "Ti")
_DECIMAL = ("m", "", "k", "M", "G", "T")


def canonical(text: str) -> str:
    """The same quantity with the largest unit that leaves no fraction: 1000m is 1, 1024Mi is 1Gi, 0.5 is 500m."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text).groups()  # type: ignore[union-attr]  # the CRD checked
    value = Decimal(number)
    if unit.endswith("i"):
        size = value * 1024 ** _BINARY.index(unit)
        if size >= 1024:
            return _largest(size, _BINARY, Decimal(1024))
        return _largest(size * 1000, _DECIMAL, Decimal(1000))
    return _largest(value * 1000 ** _DECIMAL.index(unit), _DECIMAL, Decimal(1000))


def _largest(value: Decimal, units: tuple[str, ...], step: Decimal) -> str:
    """value: in the first unit; a rest below it is rounded up, as the API server does."""
    whole = value.to_integral_value(rounding="ROUND_CEILING")
    index = 0
    while index + 1 < len(units) and whole and whole % step == 0:
        whole, index = whole / step, index + 1
    return f"{whole:f}{units[index]}"


def resources(wanted: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """What a container requests, and its limits."""
    return {
        part: {name: canonical(amount) for name, amount in wanted[part].items()}
        for part in ("limits", "requests")
        if wanted.get(part)
    }
