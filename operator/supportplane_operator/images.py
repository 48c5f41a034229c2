"""The name of an image to its name in a registry of one's own: the same path below another host.

Every builder of a container asks here, so that one setting relocates whatever the operator runs. The revision of an
agent is made of the names before, so that a mirror in each region does not make two revisions of one agent.
"""

_DEFAULT_HOST = "docker.io"


def relocated(image: str, registry: str) -> str:
    """The image as this installation pulls it. registry: a host with or without a path; empty: as the image is named.

    What stands in the registry already stays as it is.
    """
    if not registry or image.startswith(f"{registry}/"):
        return image
    return f"{registry}/{path_of(image)}"


def path_of(image: str) -> str:
    """The image without its host: ghcr.io/a/b:1 -> a/b:1, redis:8 -> library/redis:8."""
    host, separator, path = image.partition("/")
    if not separator:
        return f"library/{image}"
    if not ("." in host or ":" in host or host == "localhost"):
        return image
    return f"library/{path}" if host == _DEFAULT_HOST and "/" not in path else path
