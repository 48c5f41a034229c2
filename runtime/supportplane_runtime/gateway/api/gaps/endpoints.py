"""What customers ask and the documents do not answer well enough, by subject: read by those who oversee the tenant."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from supportplane_runtime.gateway.api.gaps.report import Subject, report
from supportplane_runtime.gateway.api.gaps.schemas import REPORTED, GapQuery, GapReport, SubjectReply
from supportplane_runtime.gateway.http.callers import Overseeing
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.state import CurrentGateway
from supportplane_runtime.store.interfaces.gaps import Gap

router = APIRouter(route_class=GatewayRoute, tags=["gaps"])

MOST_QUESTIONS = 2000  # of a report: grouped in 0.2 s and 16 MB; one more is asked for, to know whether there are more
_one_at_a_time = asyncio.Semaphore(1)


@router.get(
    "/api/v1/gaps",
    summary="Questions without a good answer, by subject",
    responses={200: {"model": GapReport}, **documented(400, 401, 403, 429, 503)},
)
async def report_gaps(query: Annotated[GapQuery, Query()], caller: Overseeing, gateway: CurrentGateway) -> Response:
    """What to write next. Needs a secret key with the scope read."""
    since = query.since or datetime.now(UTC) - REPORTED
    gaps = await gateway.parts.gaps.listing(caller.tenant, since=since, agent=query.agent, limit=MOST_QUESTIONS + 1)
    counted = gaps[:MOST_QUESTIONS]
    found = await _grouped(counted)
    return json_reply(
        GapReport(
            since=since,
            questions=len(counted),
            has_more=len(gaps) > len(counted),
            ungrouped=sum(gap.meaning is None for gap in counted),
            subjects=len(found),
            items=[SubjectReply.of(each) for each in found[: query.limit]],
        )
    )


async def _grouped(gaps: Sequence[Gap]) -> list[Subject]:
    """On a thread, so that nobody waits for it, and one at a time, so that reports take one processor at most."""
    async with _one_at_a_time:
        return await asyncio.to_thread(report, gaps)
