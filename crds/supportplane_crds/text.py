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

_HOST_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_LAST_LABEL = "[A-Za-z]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"  # with a digit first it would be read as an IP address
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_H = "[0-9A-Fa-f]{1,4}"
_IPV6 = "|".join(
    (
        f"({_H}:){{7}}{_H}",
        f"({_H}:){{1,7}}:",
        *(f"({_H}:){{1,{7 - rest}}}(:{_H}){{1,{rest}}}" for rest in range(1, 7)),
        f":((:{_H}){{1,7}}|:)",
    )
)
_HOST = rf"(({_HOST_LABEL}[.])*{_LAST_LABEL}|({_OCTET}[.]){{3}}{_OCTET}|\[({_IPV6})\])"
_URL_BEGINS = "https?://[^/]{1,259}(/.*)?"  # a host name has at most 253 characters

HttpUrl = Annotated[
    str,
    StringConstraints(max_length=2048),
    pattern_rule(
        f"https?://{_HOST}(:{_PORT})?(/[!-~]*)?",
        "must be a URL such as https://host/path: http or https, a host name or an IP address, a port up to 65535, "
        "no spaces, no user and no password",
        and_also=_URL_BEGINS,
    ),
]
"""A link for people."""

LinkSuffix = Annotated[
    str,
    StringConstraints(max_length=12),
    pattern_rule("(/|[.][A-Za-z0-9]{1,10}/?)?", "must be empty, / or a suffix such as .html"),
]
"""What the links of a site end with."""

ServerUrl = Annotated[
    str,
    StringConstraints(max_length=2048),
    pattern_rule(
        f'https?://{_HOST}(:{_PORT})?(/[!"$->@-~]*)?',
        "must be a URL such as https://host/path: http or https, a host name or an IP address, a port up to 65535, "
        "no spaces, no user, no password, no '?' and no '#'",
        and_also=_URL_BEGINS,
    ),
]
"""An address that paths are added to."""

_LANGUAGES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
).replace(" ", "|")

LanguageCode = Annotated[
    str,
    StringConstraints(max_length=16),
    pattern_rule(_LANGUAGES, "must be a language of two lower-case letters of ISO 639-1, such as en or de"),
]

_MARKS = "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # line ends of Unicode, no width, direction: nobody sees them
_CONTROL = rf"\x00-\x1f\x7f-\x9f{_MARKS}"
_INVISIBLE = rf"\x00-\x20\x7f-\xa0{_MARKS}"

PrintableLine = Annotated[
    str,
    StringConstraints(max_length=1024),
    pattern_rule(
        f"[^{_INVISIBLE}]([^{_CONTROL}]*[^{_INVISIBLE}])?",
        "must be one line of text, not empty, without invisible characters and without space at its ends",
    ),
]

_SAYS_SOMETHING = pattern_rule(
    rf"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^{_INVISIBLE}][^\x00-\x08\x0b-\x1f\x7f-\x9f]*",
    "must be text that says something, without control characters but tabs and line ends",
)

Note = Annotated[str, StringConstraints(max_length=1024), _SAYS_SOMETHING]
"""A few sentences for people."""

Prose = Annotated[str, _SAYS_SOMETHING]
"""Text of several lines; the field says how long."""

Cidr = Annotated[
    str,
    StringConstraints(max_length=64),
    pattern_rule(
        f"({_OCTET}[.]){{3}}{_OCTET}/(3[0-2]|[12]?[0-9])|({_IPV6})/(12[0-8]|1[01][0-9]|[1-9]?[0-9])",
        "must be addresses in CIDR form, such as 10.0.0.0/8, 192.0.2.7/32 or fd00::/8",
    ),
]

_MODEL_STEP = "[A-Za-z0-9_][-A-Za-z0-9_.:@+=]*"

ModelId = Annotated[
    str,
    StringConstraints(max_length=255),
    pattern_rule(
        f"/?{_MODEL_STEP}(/{_MODEL_STEP})*",
        "must be the id of a model such as Qwen/Qwen3-8B, or a path: letters, digits and any of - _ . : @ + =, no part "
        "between '/' beginning with '-' or '.'",
    ),
]
"""What a model server is told to load; it stands among the arguments of its command."""

_ONE_LINE = r"^[^\x00-\x1f\x7f]+$"
_PARENT_STEP = r"(^|/)[.][.](/|$)"
_GLOB_FORM = r"^[^\x00-\x1f\x7f\\\[\]{}/!][^\x00-\x1f\x7f\\\[\]{}]*$"
_NO_STEP = r"(^|/)([.][.]?)?(/|$)"  # '.', '..' and nothing between two '/'

Glob = Annotated[
    str,
    StringConstraints(max_length=256),
    Rule(
        f"self.matches(r'{_GLOB_FORM}') && !self.matches(r'{_NO_STEP}')",
        "must be a pattern below the source's path, such as **/*.md: of names, '*' and '?', not empty, not beginning "
        "with '/' or '!', without '.' or '..' as a step, without brackets, braces and backslashes",
        lambda text: re.fullmatch(_GLOB_FORM, text) is not None and re.search(_NO_STEP, text) is None,
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
_IMAGE_PART = "[a-z0-9]+(([.]|_{1,2}|-+)[a-z0-9]+)*"
_TAG = ":[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"
_DIGEST = "@sha256:[0-9a-f]{64}"

ImageReference = Annotated[
    str,
    StringConstraints(max_length=512),
    pattern_rule(
        f"({_REGISTRY}/)?{_IMAGE_PART}(/{_IMAGE_PART})*({_TAG}({_DIGEST})?|{_DIGEST})",
        "must be an image with a tag or a digest, such as registry.example.com/supportplane:0.1.0",
        and_also=f"[^@]{{1,255}}({_TAG})?({_DIGEST})?",  # the name alone has at most 255 characters
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

_RESOURCE_NAME = f"{_DNS_LABEL}([.]{_DNS_LABEL})*/[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"

ResourceName = Annotated[
    str,
    StringConstraints(max_length=317),
    Rule(
        f"self.matches(r'^({_RESOURCE_NAME})$') && !self.contains('kubernetes.io/')",
        "must be the name of a resource that nodes offer by a plugin, such as nvidia.com/gpu: a domain, '/' and a name",
        lambda text: re.fullmatch(_RESOURCE_NAME, text) is not None and "kubernetes.io/" not in text,
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
