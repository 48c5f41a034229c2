"""Within what time the tickets of a visitor are counted."""

from datetime import timedelta

TICKET_WINDOW = timedelta(hours=1)  # of OpenTicket.per_hour
