"""The tables of the store as they are today; migrations/versions tell how they came about (a test compares the two).

Every primary and foreign key begins with the tenant, so no row can point at another tenant's, whatever the code above
does (ADR 0007). At run time nothing imports this module: the statements in postgres/ are text, prepared once.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

# Names that PostgreSQL would choose too, so that a migration can name what it changes.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _tenant() -> Column[str]:
    return Column("tenant", Text, primary_key=True)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    """A time that the database sets: clocks of processes are not trusted (fault 17)."""
    default = None if nullable else func.now()
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


tenants = Table("tenants", metadata, _tenant(), _moment("created_at"))

# Of all processes of a tenant's agents; the values are needed in plain text, to sign and to compare.
shared_secrets = Table(
    "shared_secrets",
    metadata,
    _tenant(),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    _moment("created_at"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
)

# How the readings of knowledge bases went: the process that reads ends, and those that serve tell of it.
knowledge_readings = Table(
    "knowledge_readings",
    metadata,
    _tenant(),
    Column("knowledge_base", Text, primary_key=True),
    _moment("completed_at", nullable=True),
    _moment("failed_at", nullable=True),
    Column("failure", Text),
    Column("skipped", Integer, nullable=False, server_default=text("0")),
    Column("named", JSONB, nullable=False, server_default=text("'[]'")),  # the first that were skipped: name, reason
    CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name="failure"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
)

users = Table(
    "users",
    metadata,
    _tenant(),
    Column("user_id", Text, primary_key=True),
    _moment("created_at"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
)

api_keys = Table(
    "api_keys",
    metadata,
    _tenant(),
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("origins", ARRAY(Text), nullable=False),
    _moment("created_at"),
    _moment("last_used_at", nullable=True),
    _moment("revoked_at", nullable=True),
    Column("agent", Text),  # whose directory of keys it came from; NULL: made by a person
    CheckConstraint("kind IN ('secret', 'publishable')", name="kind"),
    ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
    # A presented key names no tenant: this is how its row is found.
    Index("api_keys_key_id_key", "key_id", unique=True),
)

conversations = Table(
    "conversations",
    metadata,
    _tenant(),
    Column("conversation_id", Uuid, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("turns", Integer, nullable=False),
    _moment("created_at"),
    _moment("updated_at"),
    ForeignKeyConstraint(["tenant", "user_id"], ["users.tenant", "users.user_id"]),
    # Listings are by creation: updated_at stays out of every index, so that accepting a turn updates no index here.
    Index("conversations_listing", "tenant", "created_at", "conversation_id"),
    Index("conversations_of_user", "tenant", "user_id", "created_at", "conversation_id"),
)

turns = Table(
    "turns",
    metadata,
    _tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("context", JSONB, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'accepted'")),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("lease_owner", Text),
    _moment("lease_until", nullable=True),
    Column("answer", JSONB),
    Column("failure", Text),
    Column("agent", Text),  # who answers it, and takes it up; NULL: accepted before agents shared a database
    Column("revision", Text),  # of the agent that answered; NULL: not answered, on a laptop, or of before
    _moment("created_at"),
    _moment("ended_at", nullable=True),
    CheckConstraint("status IN ('accepted', 'finished', 'failed', 'cancelled')", name="status"),
    CheckConstraint("(status = 'finished') = (answer IS NOT NULL)", name="answer"),
    CheckConstraint("(status = 'accepted') = (lease_until IS NOT NULL)", name="lease"),
    ForeignKeyConstraint(["tenant", "conversation_id"], ["conversations.tenant", "conversations.conversation_id"]),
    Index("turns_tenant_conversation_id_number_key", "tenant", "conversation_id", "number", unique=True),
    # Only running turns are in it, and a heartbeat does not touch it: lease_until is not indexed.
    Index("turns_running", "tenant", "turn_id", postgresql_where=text("status = 'accepted'")),
)

# Question and answer texts; a turn's number places them, so a conversation reads question, answer, question, answer
# even when two turns ran at once.
messages = Table(
    "messages",
    metadata,
    _tenant(),
    Column("conversation_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("content", Text, nullable=False),
    _moment("created_at"),
    CheckConstraint("role IN ('user', 'assistant')", name="role"),
    ForeignKeyConstraint(
        ["tenant", "conversation_id", "number"], ["turns.tenant", "turns.conversation_id", "turns.number"]
    ),
)

tickets = Table(
    "tickets",
    metadata,
    _tenant(),
    Column("ticket_id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("reason", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("queue", Text),
    _moment("created_at"),
    _moment("updated_at"),
    _moment("closed_at", nullable=True),
    CheckConstraint("status IN ('open', 'closed')", name="status"),
    ForeignKeyConstraint(["tenant", "conversation_id"], ["conversations.tenant", "conversations.conversation_id"]),
    Index("tickets_one_open", "tenant", "conversation_id", unique=True, postgresql_where=text("status = 'open'")),
    Index("tickets_listing", "tenant", "created_at", "ticket_id"),
)

ticket_turns = Table(
    "ticket_turns",
    metadata,
    _tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("ticket_id", Uuid, nullable=False),
    _moment("created_at"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"]),
    ForeignKeyConstraint(["tenant", "ticket_id"], ["tickets.tenant", "tickets.ticket_id"]),
    Index("ticket_turns_of_ticket", "tenant", "ticket_id"),
)

feedback = Table(
    "feedback",
    metadata,
    _tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("rating", Text, nullable=False),
    Column("comment", Text),
    _moment("updated_at"),
    CheckConstraint("rating IN ('up', 'down')", name="rating"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"]),
    Index("feedback_listing", "tenant", "updated_at", "turn_id"),
)

# Which documents an answer cites, once each: what answer->'sources' says, where it can be counted (ADR 0021).
citations = Table(
    "citations",
    metadata,
    _tenant(),
    Column("turn_id", Uuid, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    _moment("created_at"),
    ForeignKeyConstraint(["tenant", "turn_id"], ["turns.tenant", "turns.turn_id"]),
    # A report counts in this index and reads no row.
    Index("citations_by_time", "tenant", "created_at", "document_id", "turn_id"),
)

# No foreign key on purpose: the log outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    _tenant(),
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    _moment("created_at"),
    Column("agent", Text),  # whose policy says how long it is kept; NULL: written before, or at the command line
    Index("audit_expiry", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "true"}),
)


def _bearer_table(name: str) -> Table:
    """Rows found by the digest of a secret that names no tenant, and gone after a time."""
    return Table(
        name,
        metadata,
        _tenant(),
        Column("digest", LargeBinary, primary_key=True),
        Column("user_id", Text, nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        ForeignKeyConstraint(["tenant"], ["tenants.tenant"]),
        Index(f"{name}_digest_key", "digest", unique=True),
        Index(f"{name}_expiry", "tenant", "expires_at"),
    )


sessions = _bearer_table("sessions")
one_time_links = _bearer_table("one_time_links")
