"""Fetches a GGUF file from a model hub once: resumed where it was cut, its SHA-256 checked before it is used.

huggingface_hub 2 deletes a partial file when its process ends (`hf_hub_download`), so its metadata and transfer
functions are used on a partial file of our own, which the next `up` goes on with. HF_ENDPOINT and HF_TOKEN apply.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from supportplane_cli.errors import CommandFailed, PartFailed
from supportplane_cli.stopping import stop
from supportplane_cli.supervisor.plan import HubFile

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

Progress = Callable[[int, int], None]  # bytes done, bytes in all

SHA256 = re.compile(r"[0-9a-f]{64}")
READ_BYTES = 1 << 20


def fetch(wanted: HubFile, folder: Path, progress: Progress, *, endpoint: str | None = None) -> Path:
    """The file on disk, verified. A file that is there is used without asking the hub.

    Raises CommandFailed: unknown or closed repository, no network (what has arrived is kept), wrong checksum.
    """
    target = folder / wanted.repository.replace("/", "--") / wanted.revision / wanted.path
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    url = hub_url(wanted, endpoint)
    facts = read_metadata(wanted, url)
    partial = target.with_name(f"{target.name}.{facts.etag}.part")  # another version never goes on with this one
    transfer(facts, partial, progress, hub=url)
    verify(wanted, partial, str(facts.etag))
    partial.replace(target)
    return target


def hub_url(wanted: HubFile, endpoint: str | None) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(wanted.repository, wanted.path, revision=wanted.revision, endpoint=endpoint)


def read_metadata(wanted: HubFile, url: str) -> "HfFileMetadata":
    """Size, SHA-256 (the etag of a large file) and location. Raises CommandFailed."""
    from httpx2 import HTTPError
    from huggingface_hub import get_hf_file_metadata
    from huggingface_hub.errors import HfHubHTTPError

    try:
        facts = get_hf_file_metadata(url)
    except HfHubHTTPError as error:
        raise refusal(wanted, error.response.status_code) from error
    except (HTTPError, OSError) as error:
        raise unreachable(url, error) from error
    if not SHA256.fullmatch(facts.etag or "") or facts.size is None:
        raise CommandFailed(f"The hub names no SHA-256 for {wanted.path}, so the download could not be verified.")
    return facts


def refusal(wanted: HubFile, status: int) -> CommandFailed:
    name = f"{wanted.repository}/{wanted.path} at {wanted.revision}"
    if status in (401, 403):
        return CommandFailed(f"The hub does not give out {name}.", hint="set HF_TOKEN to a token that may read it")
    if status == 404:
        return CommandFailed(f"The hub has no {name}.", hint="--model hf:owner/repo/file.gguf[@revision]")
    return CommandFailed(f"The hub answered {status} for {name}; try again later.")


def unreachable(url: str, error: Exception) -> CommandFailed:
    host = urlsplit(url).netloc
    return CommandFailed(
        f"The model hub {host} cannot be reached ({type(error).__name__}).",
        hint="start without --model to use the embedded model; a download goes on where it stopped",
    )


def transfer(facts: "HfFileMetadata", partial: Path, progress: Progress, *, hub: str) -> None:
    """Append what is missing to ``partial``. Raises CommandFailed; what has arrived stays for the next try.

    hub: the hub's own URL of the file; the storage it points to may be another host.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get

    total = facts.size or 0
    have = partial.stat().st_size if partial.exists() else 0
    bar = progress_bar(progress, have, total)
    headers = transfer_headers(hub, facts.location)
    try:
        with partial.open("ab") as file:
            http_get(facts.location, file, resume_size=have, headers=headers, expected_size=total, tqdm_class=bar)
    except HfHubHTTPError as error:
        raise CommandFailed(
            f"The model hub's storage answered {error.response.status_code}; try again later."
        ) from error
    except HTTPError as error:
        raise unreachable(facts.location, error) from error
    except OSError as error:
        if error.errno is not None:
            raise  # the disk's fault, and the supervisor knows the words for it
        raise unreachable(facts.location, error) from error


def transfer_headers(hub: str, location: str) -> dict[str, str]:
    """The user's token goes to the hub itself, never to the storage that it points to."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # exported lazily

    headers = build_hf_headers()
    if urlsplit(hub).netloc != urlsplit(location).netloc:
        headers.pop("authorization", None)
    return headers


def progress_bar(progress: Progress, have: int, total: int) -> Any:
    """A class that looks like tqdm to huggingface_hub, draws nothing and tells ``progress``."""

    class Bar:
        def __init__(self, *_: Any, **__: Any) -> None:
            self._done = have

        def update(self, count: float = 1) -> None:
            self._done += int(count)
            progress(self._done, total)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return None

    return Bar


def verify(wanted: HubFile, partial: Path, expected: str) -> None:
    """Raises PartFailed, and deletes the file, when its SHA-256 is not the hub's."""
    digest = hashlib.sha256()
    with partial.open("rb") as file:
        while block := file.read(READ_BYTES):
            stop.check()
            digest.update(block)
    if digest.hexdigest() != expected:
        partial.unlink()
        raise PartFailed(
            f"The download of {wanted.path} has the wrong checksum and was thrown away.",
            hint="run the command again; if it happens twice, do not use this file",
        )
