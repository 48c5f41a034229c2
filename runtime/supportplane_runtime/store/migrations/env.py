"""Alembic's entry: runs the migrations on the connection that migrate.py hands over.

To write one, copy the newest file in versions/ and give it the next number; a test compares the result
with store/tables.
"""

from alembic import context

from supportplane_runtime.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="schema_version",
    # Each migration commits with its version: one that fails leaves the ones before it.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
