"""What customers asked and the documents did not answer well enough."""

from dataclasses import dataclass
from enum import StrEnum


class GapReason(StrEnum):
    """Why a question counts as one. A wish for a person does not, and neither does a question that was asked back."""

    TICKET = "ticket"  # in scope, not answered or not surely enough: a ticket
    DECLINED = "declined"  # the same, where the agent opens no ticket for it
    OUT_OF_SCOPE = "out_of_scope"  # declined: the documents are about something else
    PARTIAL = "partial"  # answered, but for a part of the question
    UNSURE = "unsure"  # answered, with a low confidence


@dataclass(frozen=True, slots=True)
class NearDocument:
    """A document that was found for a question. url: of the passage that was found, with its heading."""

    document_id: str
    title: str
    url: str
