"""Work in the order of due times is read from the index alone; Alembic keeps the version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make two indexes anew, and drop the table that held the version."""
    for name, where in (("work_due", "dead = 0"), ("work_dead", "dead = 1")):
        which = sa.text(where)
        op.drop_index(name, "work")
        op.create_index(
            name,
            "work",
            ["queue", "due", "number"],
            sqlite_where=which,
            postgresql_where=which,
        )
    op.drop_table("meta")
