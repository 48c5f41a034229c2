"""How replies lead to further calls, as OpenAPI links: from a reply's ids to the operations that take them.

Read by people, by generated clients and by the tests that walk through the API. Pure; called by openapi.py.
"""

from typing import Any

_TURN = "$response.body#/turn_id"
_CONVERSATION = "$response.body#/conversation_id"


def _link(operation: str, **parameters: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": parameters}


def _body_link(operation: str, body: dict[str, str]) -> dict[str, Any]:
    return {"operationId": operation, "requestBody": body}


_OF_A_TURN = {
    "turn": _link("read_turn", turn_id=_TURN),
    "stream": _link("resume_streaming", turn_id=_TURN),
    "cancel": _link("cancel_turn", turn_id=_TURN),
    "conversation": _link("read_conversation", conversation_id=_CONVERSATION),
    "feedback": _body_link("give_feedback", {"turn_id": _TURN, "rating": "up"}),
}
_OF_A_TICKET = {
    "ticket": _link("read_ticket", ticket_id="$response.body#/ticket_id"),
    "close": _link("close_ticket", ticket_id="$response.body#/ticket_id"),
    "conversation": _link("read_conversation", conversation_id=_CONVERSATION),
}
# By operation, of its reply with status 200.
LINKS: dict[str, dict[str, dict[str, Any]]] = {
    "ask": _OF_A_TURN | {"ticket": _link("read_ticket", ticket_id="$response.body#/ticket_id")},
    "read_turn": _OF_A_TURN,
    "list_conversations": {
        "first": _link("read_conversation", conversation_id="$response.body#/items/0/conversation_id"),
        "next": _link("list_conversations", after="$response.body#/after"),
    },
    "read_conversation": {
        "turn": _link("read_turn", turn_id="$response.body#/turns/0/turn_id"),
        "stream": _link("resume_streaming", turn_id="$response.body#/turns/0/turn_id"),
    },
    "list_tickets": {
        "first": _link("read_ticket", ticket_id="$response.body#/items/0/ticket_id"),
        "close": _link("close_ticket", ticket_id="$response.body#/items/0/ticket_id"),
        "next": _link("list_tickets", after="$response.body#/after"),
    },
    "read_ticket": _OF_A_TICKET,
    "close_ticket": _OF_A_TICKET,
}


def add_links(operation: dict[str, Any]) -> None:
    links = LINKS.get(operation["operationId"])
    if links is not None:
        operation["responses"]["200"]["links"] = links
