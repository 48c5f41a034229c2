"""Counts ratings under the agent and the revision that gave the answer, with a bounded number of label values.

The labels are those of the answer, not of this process: a customer rates what an earlier revision said, and agents of
one tenant may share a database. Made by state.py, one a process; called by api/feedback/endpoints.py.
"""

from supportplane_runtime import metrics
from supportplane_runtime.domain.conversation import Rating

NOT_KNOWN = "none"  # a laptop has no revisions, and answers of older releases do not name theirs
OTHER = "other"  # beyond the bound
MAX_ANSWERERS = 20  # customers rate old answers too, and a process lives for weeks; a guess at what people compare


class RatingCounts:
    def __init__(self, agent: str | None, revision: str | None) -> None:
        """agent, revision: of this process, whose series are there from the start."""
        self._known: set[tuple[str, str]] = set()
        self._answerer(agent, revision)

    def count(self, agent: str | None, revision: str | None, rating: Rating) -> None:
        metrics.FEEDBACK.labels(*self._answerer(agent, revision), rating).inc()

    def _answerer(self, agent: str | None, revision: str | None) -> tuple[str, str]:
        answerer = (agent or NOT_KNOWN, revision or NOT_KNOWN)
        if answerer not in self._known:
            if len(self._known) >= MAX_ANSWERERS:
                return OTHER, OTHER
            self._known.add(answerer)
            for rating in Rating:  # both at 0: the increase of a series lacks the event that it appears with
                metrics.FEEDBACK.labels(*answerer, rating)
        return answerer
