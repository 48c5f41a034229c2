"""How browsers become someone and cease to be: the chat page redeems a one-time link and signs out, a widget gets a
visitor.

Neither needs a caller, and both are bound to an origin: a link may be redeemed from our own page (or no page at all)
only, so that no other site can put its session into a browser.
"""

from fastapi import APIRouter, Request, Response

from supportplane_runtime.domain.identity import Caller, CallerKind
from supportplane_runtime.gateway.api.sessions.schemas import RedeemRequest, SessionReply, VisitorReply
from supportplane_runtime.gateway.facts import facts_of
from supportplane_runtime.gateway.http.callers import asker_of
from supportplane_runtime.gateway.http.json import json_reply
from supportplane_runtime.gateway.http.problems import documented
from supportplane_runtime.gateway.http.routes import GatewayRoute
from supportplane_runtime.gateway.identity.lookups import before_lookup
from supportplane_runtime.gateway.identity.origins import is_foreign
from supportplane_runtime.gateway.identity.refusals import refuse, refuse_origin
from supportplane_runtime.gateway.identity.sessions import (
    require_own_page,
    session_caller,
    session_cookie,
    session_secret,
)
from supportplane_runtime.gateway.state import CurrentGateway
from supportplane_runtime.store.interfaces.sessions import SESSION_TTL

router = APIRouter(route_class=GatewayRoute, tags=["sessions"])


@router.post(
    "/api/v1/sessions",
    summary="Exchange a one-time link for a session cookie",
    responses={200: {"model": SessionReply}, **documented(400, 401, 403, 413, 415, 503)},
)
async def redeem_link(body: RedeemRequest, gateway: CurrentGateway, request: Request) -> Response:
    scheme = facts_of(request).peer.scheme
    if is_foreign(request.headers, scheme):
        refuse_origin("A link is redeemed by the chat page itself.")
    await before_lookup(gateway.tarpit, request, body.token)
    redeemed = await gateway.parts.sessions.redeem(body.token)
    if redeemed is None:
        refuse("session", "This link is unknown, used or expired. Make a new one with: supportplane link")
    response = json_reply(SessionReply(redeemed.user_id))
    response.set_cookie(
        session_cookie(scheme),
        redeemed.secret,
        max_age=int(SESSION_TTL.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=scheme == "https",
    )
    return response


@router.delete(
    "/api/v1/sessions/current",
    summary="Sign out: end the session of the cookie",
    status_code=204,
    openapi_extra={"security": [{"session": []}]},
    responses={**documented(401, 403, 429, 503)},
)
async def end_session(gateway: CurrentGateway, request: Request) -> Response:
    """For the page that holds the cookie only, so that no other site signs anybody out."""
    secret = session_secret(request)
    if secret is None:
        refuse("missing", "There is no session to end: this request has no session cookie.")
    require_own_page(request)
    facts = facts_of(request)
    await gateway.tarpit.before_lookup(facts.peer.source, secret)
    ended = await gateway.parts.sessions.end(secret)
    if ended is None:
        refuse("session", "The session of this cookie has ended before.")
    facts.caller = session_caller(ended)
    response = Response(status_code=204)
    scheme = facts.peer.scheme
    response.delete_cookie(session_cookie(scheme), httponly=True, samesite="strict", secure=scheme == "https")
    return response


@router.post(
    "/api/v1/visitors",
    summary="Make a visitor of a widget",
    status_code=201,
    openapi_extra={"security": [{"publishable": []}, {"bearer": []}, {"apiKey": []}]},
    responses={201: {"model": VisitorReply}, **documented(401, 403, 429, 503)},
)
async def make_visitor(gateway: CurrentGateway, request: Request) -> Response:
    """For a publishable key, from one of its origins. The token is what tells this visitor from others."""
    key = await gateway.keys.publishable_key(request)
    caller = Caller(key.tenant, key.key_id, CallerKind.WIDGET, frozenset())
    facts_of(request).caller = caller
    await gateway.pace.take(asker_of(gateway, caller, facts_of(request).peer).address)
    visitor = gateway.visitors.issue(key.tenant, key.key_id)
    return json_reply(VisitorReply(visitor.token, visitor.user_id, visitor.expires_at), status=201)
