"""The store as issue 3 needs it: who asks, what was said, tickets, keys, audit, sessions.

Forward only, as all migrations here: the way back is the backup that was made before.
"""

from alembic import op

revision = "0001"
down_revision = None

WHO = """
CREATE TABLE tenants (
    tenant text NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE users (
    tenant text NOT NULL,
    user_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, user_id),
    FOREIGN KEY (tenant) REFERENCES tenants (tenant)
);
CREATE TABLE api_keys (
    tenant text NOT NULL,
    key_id text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CONSTRAINT api_keys_kind_check CHECK (kind IN ('secret', 'publishable')),
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    origins text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant, key_id),
    FOREIGN KEY (tenant) REFERENCES tenants (tenant)
);
CREATE UNIQUE INDEX api_keys_key_id_key ON api_keys (key_id);
"""

# The same columns twice: a link is exchanged for a session once, then it is gone.
BEARERS = """
CREATE TABLE {name} (
    tenant text NOT NULL,
    digest bytea NOT NULL,
    user_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, digest),
    FOREIGN KEY (tenant) REFERENCES tenants (tenant)
);
CREATE UNIQUE INDEX {name}_digest_key ON {name} (digest);
CREATE INDEX {name}_expiry ON {name} (tenant, expires_at);
"""

SAID = """
CREATE TABLE conversations (
    tenant text NOT NULL,
    conversation_id uuid NOT NULL,
    user_id text NOT NULL,
    turns integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, conversation_id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, user_id)
);
CREATE INDEX conversations_listing ON conversations (tenant, created_at, conversation_id);
CREATE INDEX conversations_of_user ON conversations (tenant, user_id, created_at, conversation_id);

CREATE TABLE turns (
    tenant text NOT NULL,
    turn_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    number integer NOT NULL,
    key_id text NOT NULL,
    context jsonb NOT NULL,
    status text NOT NULL DEFAULT 'accepted'
        CONSTRAINT turns_status_check CHECK (status IN ('accepted', 'finished', 'failed', 'cancelled')),
    attempt integer NOT NULL DEFAULT 1,
    lease_owner text,
    lease_until timestamptz,
    answer jsonb,
    failure text,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (tenant, turn_id),
    FOREIGN KEY (tenant, conversation_id) REFERENCES conversations (tenant, conversation_id),
    CONSTRAINT turns_answer_check CHECK ((status = 'finished') = (answer IS NOT NULL)),
    CONSTRAINT turns_lease_check CHECK ((status = 'accepted') = (lease_until IS NOT NULL))
);
CREATE UNIQUE INDEX turns_tenant_conversation_id_number_key ON turns (tenant, conversation_id, number);
CREATE INDEX turns_running ON turns (tenant, turn_id) WHERE status = 'accepted';

CREATE TABLE messages (
    tenant text NOT NULL,
    conversation_id uuid NOT NULL,
    number integer NOT NULL,
    role text NOT NULL CONSTRAINT messages_role_check CHECK (role IN ('user', 'assistant')),
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, conversation_id, number, role),
    FOREIGN KEY (tenant, conversation_id, number) REFERENCES turns (tenant, conversation_id, number)
);
"""

CAME_OF_IT = """
CREATE TABLE tickets (
    tenant text NOT NULL,
    ticket_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'open' CONSTRAINT tickets_status_check CHECK (status IN ('open', 'closed')),
    reason text NOT NULL,
    subject text NOT NULL,
    queue text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (tenant, ticket_id),
    FOREIGN KEY (tenant, conversation_id) REFERENCES conversations (tenant, conversation_id)
);
CREATE UNIQUE INDEX tickets_one_open ON tickets (tenant, conversation_id) WHERE status = 'open';
CREATE INDEX tickets_listing ON tickets (tenant, created_at, ticket_id);

CREATE TABLE ticket_turns (
    tenant text NOT NULL,
    turn_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, turn_id),
    FOREIGN KEY (tenant, turn_id) REFERENCES turns (tenant, turn_id),
    FOREIGN KEY (tenant, ticket_id) REFERENCES tickets (tenant, ticket_id)
);
CREATE INDEX ticket_turns_of_ticket ON ticket_turns (tenant, ticket_id);

CREATE TABLE feedback (
    tenant text NOT NULL,
    turn_id uuid NOT NULL,
    user_id text NOT NULL,
    rating text NOT NULL CONSTRAINT feedback_rating_check CHECK (rating IN ('up', 'down')),
    comment text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, turn_id, user_id),
    FOREIGN KEY (tenant, turn_id) REFERENCES turns (tenant, turn_id)
);

CREATE TABLE audit (
    tenant text NOT NULL,
    audit_id bigint GENERATED ALWAYS AS IDENTITY,
    actor text NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    facts jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, audit_id)
);
"""


def upgrade() -> None:
    bearers = [BEARERS.format(name=name) for name in ("sessions", "one_time_links")]
    for statements in (WHO, *bearers, SAID, CAME_OF_IT):
        op.execute(statements)
