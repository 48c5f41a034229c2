"""A gap, noted in the statement that finishes the turn."""

from typing import LiteralString

from psycopg.types.json import Jsonb

from supportplane_runtime.domain.conversation import Turn
from supportplane_runtime.domain.ending import NoteGap
from supportplane_runtime.store.postgres.clause import Clause
from supportplane_runtime.store.postgres.database import Params

GAP: LiteralString = """
gap AS (
    INSERT INTO gaps (tenant, turn_id, reason, question, documents)
    SELECT tenant, turn_id, %(gap_reason)s, %(gap_question)s, %(gap_documents)s FROM ended
)
"""


def _params(gap: NoteGap, _: Turn) -> Params:
    return {
        "gap_reason": gap.reason,
        "gap_question": gap.question,
        "gap_documents": Jsonb([[each.document_id, each.title, each.url] for each in gap.documents]),
    }


CLAUSE: Clause[NoteGap] = Clause(ctes=GAP, params=_params)
