"""Plain values to YAML text that every reader understands alike: the agent file of a ConfigMap, and what is printed.

The same values always give the same text, because the text is hashed and compared.
"""

import io
import re
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

_PLAIN = re.compile(r"[A-Za-z/][\w ./()*,'-]*(?<! )")
_WORDS = re.compile("y|n|yes|no|on|off|true|false|null", re.IGNORECASE)  # mean something else to some reader
_NEVER_FOLD = 2**31 - 1


class _Representer(SafeRepresenter):
    """Quotes every text about which readers could differ; texts of several lines stay readable."""

    def represent_text(self, text: str) -> ScalarNode:
        if _PLAIN.fullmatch(text) and not _WORDS.fullmatch(text):
            return self.represent_scalar("tag:yaml.org,2002:str", text)
        is_block = "\n" in text and text.isprintable() is False and _fits_block(text)
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if is_block else '"')

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 -- the signature is the library's
        """Values that stand there twice are written twice."""
        return True


_Representer.add_representer(str, _Representer.represent_text)


def _fits_block(text: str) -> bool:
    """A block keeps text as it is only without odd characters and without space at line ends or at the start."""
    lines = text.split("\n")
    return (
        all(line.isprintable() and line == line.rstrip() for line in lines)
        and not text[0].isspace()
        and not text.endswith("\n\n")
    )


def yaml_text(documents: Iterable[Any]) -> str:
    """Documents separated by ---, keys in the order they have."""
    writer = YAML(typ="safe", pure=True)
    writer.Representer = _Representer
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared as None
    writer.width = _NEVER_FOLD
    stream = io.StringIO()
    for index, document in enumerate(documents):
        stream.write("---\n" if index else "")
        writer.dump(document, stream)
    return stream.getvalue()
