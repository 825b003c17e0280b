"""Brings the schema of a database to that of this release, once, whoever starts at the same time.

To change a table: change ``tables``, raise ``HEAD`` there, and add the step to ``migrations``.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.exc import DBAPIError

from marketplace_sdk_sql.schema import found_version
from marketplace_sdk_sql.tables import HEAD

if TYPE_CHECKING:
    from marketplace_sdk_sql.driver import Driver

__all__ = ["migrate"]

BEFORE_ALEMBIC = "0001"
"""The version of the first release, which kept it in a table of its own."""


def migrate(driver: Driver) -> tuple[str, str]:
    """Run the missing steps in one transaction; the versions before and after.

    The version of an empty database is empty text. Raises StorageError when the schema is newer,
    when the database is somebody else's, or when it fails; then nothing has changed.
    """
    try:
        with closing(driver.connect("alter")) as raw:
            return _migrate(driver, raw)
    except DBAPIError as error:
        raise driver.error(error.orig or error, "migrate") from None
    except driver.errors as error:
        raise driver.error(error, "migrate") from None


def _migrate(driver: Driver, raw: Any) -> tuple[str, str]:
    # The connection is handed to SQLAlchemy before the transaction begins, because SQLAlchemy ends
    # one when it gets to know a database.
    engine = create_engine(driver.dialect, creator=lambda: raw, poolclass=StaticPool)
    with engine.connect() as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        driver.begin(raw, "alter")
        driver.make_room(raw)
        before = found_version(driver, raw)
        if before == BEFORE_ALEMBIC:
            command.stamp(config, before)
        command.upgrade(config, HEAD)
        return before, found_version(driver, raw)
