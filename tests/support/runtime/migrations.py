"""A database at the schema of an earlier release: what that release left is to be there after the upgrade."""

from alembic import command

from supportplane_runtime.store import migrate


def upgrade_to(url: str, version: str) -> None:
    """Runs the migrations up to this one, and none after it."""
    with migrate._connection(url) as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
