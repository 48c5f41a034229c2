"""A branch on a forge to a pull request, by the API that GitHub, Gitea and Forgejo document alike: POST .../pulls."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import aiohttp

from supportplane_cli.errors import CommandFailed, Refused, WrongUsage

GITHUB_API = "https://api.github.com"
TIMEOUT_S = 30.0  # a forge under load answers within seconds
_ADDRESS = re.compile(r"^(?:[a-z+]+://(?:[^@/]+@)?|[^@/]+@)([^/:]+)(?::\d+)?[:/](.+?)(?:\.git)?/?$")


@dataclass(frozen=True, slots=True)
class PullRequest:
    title: str
    body: str
    head: str
    base: str


@dataclass(frozen=True, slots=True)
class Forge:
    """api: base URL. project: owner/name. token: stands in no argument, log or error."""

    api: str
    project: str
    token: str


def project_of(address: str) -> tuple[str, str]:
    """Host and owner/name of a remote. Raises WrongUsage for an address of another form."""
    found = _ADDRESS.match(address)
    if found is None or "/" not in found[2]:
        raise WrongUsage(f"the remote {without_password(address)} names no owner and project of a forge")
    return found[1], found[2]


def without_password(address: str) -> str:
    return re.sub(r"//[^@/]*@", "//", address)


def open_pull_request(forge: Forge, request: PullRequest) -> str:
    """Its address. Raises Refused with the forge's words, or CommandFailed where it does not answer."""
    try:
        return asyncio.run(_post(forge, request))
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandFailed(f"the forge at {forge.api} does not answer: {error or type(error).__name__}") from error


async def _post(forge: Forge, request: PullRequest) -> str:
    url = f"{forge.api.rstrip('/')}/repos/{forge.project}/pulls"
    headers = {"Authorization": f"Bearer {forge.token}", "Accept": "application/json"}
    values = {"title": request.title, "body": request.body, "head": request.head, "base": request.base}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    # A forge that moved is named, not followed: the token is for this host alone.
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
        session.post(url, json=values, allow_redirects=False) as reply,
    ):
        said = await _json(reply)
        if reply.status != 201 or not isinstance(said.get("html_url"), str):
            raise Refused(f"the forge refused the pull request: {reply.status} {_reason(said)}".rstrip())
        return str(said["html_url"])


async def _json(reply: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        said = await reply.json(content_type=None)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _reason(said: dict[str, Any]) -> str:
    details = [each.get("message", "") for each in said.get("errors") or () if isinstance(each, dict)]
    return "; ".join(str(each) for each in [said.get("message", ""), *details] if each)
