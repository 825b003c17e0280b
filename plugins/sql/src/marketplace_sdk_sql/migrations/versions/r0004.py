"""Dead letters are read page by page, in the order of due time and id, from the index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make their index anew."""
    dead = sa.text("dead = 1")
    op.drop_index("work_dead", "work")
    op.create_index(
        "work_dead",
        "work",
        ["queue", "due", "id"],
        sqlite_where=dead,
        postgresql_where=dead,
    )
