"""What all tables share: the names of constraints, the column of the tenant, and times that the database sets."""

from sqlalchemy import Column, DateTime, MetaData, Text, func

# Names that PostgreSQL would choose too, so that a migration can name what it changes.
metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def tenant() -> Column[str]:
    return Column("tenant", Text, primary_key=True)


def moment(name: str, *, nullable: bool = False) -> Column[object]:
    """A time that the database sets: clocks of processes are not trusted."""
    default = None if nullable else func.now()
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)
