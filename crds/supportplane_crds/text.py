"""The contract's text types: names, secrets' names, URLs, language codes, paths and globs.

Each has a ``maxLength`` (the API server bounds the cost of CEL by it) and a rule. Durations and decimals, which
become another type in Python, are in ``quantity.py``.
"""

import re
from typing import Annotated

from pydantic import StringConstraints

from supportplane_crds.rules import Rule, pattern_rule

NAME_RULE = pattern_rule(
    "[a-z]([-a-z0-9]*[a-z0-9])?",
    "must be a name of at most 40 characters: lower-case letters, digits and '-', "
    "beginning with a letter and ending with a letter or digit",
    max_length=40,  # children are <name>-<role>[-<revision>], and a Service's name has at most 63 characters
)

Name = Annotated[str, StringConstraints(max_length=253), NAME_RULE]
"""A DNS-1035 label that every child object can bear with its suffix."""

TenantId = Annotated[
    str,
    StringConstraints(max_length=253),
    pattern_rule(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "must be a DNS label: at most 63 lower-case letters, digits and '-', "
        "beginning and ending with a letter or digit",
        max_length=63,
    ),
]

SecretName = Annotated[
    str,
    StringConstraints(max_length=253),
    pattern_rule(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "must be the name of a Secret: lower-case letters, digits, '-' and '.', "
        "beginning and ending with a letter or digit",
    ),
]

SecretKey = Annotated[
    str,
    StringConstraints(max_length=253),
    pattern_rule(
        "[A-Za-z0-9_][-._A-Za-z0-9]*",
        "must be a key of a Secret: letters, digits, '-', '_' and '.', not beginning with '.' or '-'",
    ),
]

_HOST_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = rf"({_HOST_LABEL}([.]{_HOST_LABEL})*|\[[0-9A-Fa-f:.]+\])"

HttpUrl = Annotated[
    str,
    StringConstraints(max_length=2048),
    pattern_rule(
        f"https?://{_HOST}(:{_PORT})?(/[!-~]*)?",
        "must be a URL such as https://host/path: http or https, a host name, a port up to 65535, "
        "no spaces, no user and no password",
    ),
]

LanguageCode = Annotated[
    str,
    StringConstraints(max_length=16),
    pattern_rule("[a-z]{2}", "must be a language of two lower-case letters, such as en or de"),
]

PrintableLine = Annotated[
    str,
    StringConstraints(max_length=1024),
    pattern_rule(r"[^\x00-\x1f\x7f]+", "must be one line of text, not empty and without control characters"),
]

_ONE_LINE = r"^[^\x00-\x1f\x7f]+$"
_PARENT_STEP = r"(^|/)[.][.](/|$)"

Glob = Annotated[
    str,
    StringConstraints(max_length=256),
    Rule(
        f"self.matches(r'{_ONE_LINE}') && !self.startsWith('/') && !self.matches(r'{_PARENT_STEP}')",
        "must be a pattern below the source's path, such as **/*.md: not empty, not beginning with '/', without '..'",
        lambda text: (
            re.fullmatch(_ONE_LINE, text) is not None and text[0] != "/" and re.search(_PARENT_STEP, text) is None
        ),
    ),
]

_DNS_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"

ObjectName = Annotated[
    str,
    StringConstraints(max_length=253),
    pattern_rule(
        f"{_DNS_LABEL}([.]{_DNS_LABEL})*",
        "must be the name of an object on the cluster: lower-case letters, digits, '-' and '.', "
        "beginning and ending with a letter or digit",
    ),
]

NamespaceName = Annotated[
    str,
    StringConstraints(max_length=63),
    pattern_rule(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "must be the name of a namespace: lower-case letters, digits and '-', "
        "beginning and ending with a letter or digit",
    ),
]

Hostname = Annotated[
    str,
    StringConstraints(max_length=253),
    pattern_rule(
        f"({_DNS_LABEL}[.])*[a-z]([-a-z0-9]{{0,61}}[a-z0-9])?",
        "must be a host name such as support.example.com: lower-case letters, digits, '-' and '.', "
        "no port, no '*' and no IP address",
    ),
]

_REGISTRY = f"{_HOST_LABEL}([.]{_HOST_LABEL})*(:{_PORT})?"
_IMAGE_PART = "[a-z0-9]+([-._]+[a-z0-9]+)*"
_TAG = ":[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"
_DIGEST = "@sha256:[0-9a-f]{64}"

ImageReference = Annotated[
    str,
    StringConstraints(max_length=512),
    pattern_rule(
        f"({_REGISTRY}/)?{_IMAGE_PART}(/{_IMAGE_PART})*({_TAG}({_DIGEST})?|{_DIGEST})",
        "must be an image with a tag or a digest, such as registry.example.com/supportplane:0.1.0",
    ),
]

RelativePath = Annotated[
    str,
    StringConstraints(max_length=256),
    Rule(
        f"self.matches(r'{_ONE_LINE}') && !self.startsWith('/') && !self.matches(r'{_PARENT_STEP}')",
        "must be a path inside the volume, such as docs/public: not empty, not beginning with '/', without '..'",
        lambda text: (
            re.fullmatch(_ONE_LINE, text) is not None and text[0] != "/" and re.search(_PARENT_STEP, text) is None
        ),
    ),
]

QUALIFIED_NAME = f"({_DNS_LABEL}([.]{_DNS_LABEL})*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"

QualifiedName = Annotated[
    str,
    StringConstraints(max_length=317),
    pattern_rule(
        QUALIFIED_NAME,
        "must be a name such as gpu or example.com/gpu: letters, digits, '-', '_' and '.', with or without a domain",
    ),
]

LabelValue = Annotated[
    str,
    StringConstraints(max_length=63),
    pattern_rule(
        "([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?",
        "must be the value of a label: letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
    ),
]
