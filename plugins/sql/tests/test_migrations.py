"""Every released schema becomes today's, once, with everything in it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from plugins.sql.tests.helpers import python, raw
from sqlalchemy import StaticPool, create_engine

import marketplace_sdk_sql.migrations as steps
from marketplace_sdk import InvalidInput, Marketplace, PluginError, StorageError
from marketplace_sdk.cli.app import app
from marketplace_sdk_sql.storage import SqlStorage
from marketplace_sdk_sql.tables import HEAD, VERSION_TABLE, metadata

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FROZEN = Path(__file__).with_name("schemas")
RELEASED = ["0001"]


def restore(url, version):
    """Make the database of a released version, with a few things in it."""
    dialect = url.split(":")[0]
    text = (FROZEN / f"{version}-{dialect}.sql").read_text("utf-8")
    if dialect == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(text)
        return
    storage = SqlStorage(url)
    with storage._connections.lend("alter") as connection:
        storage._driver.make_room(connection)
        connection.execute(text)
    storage.close()


def catalogue(storage):
    """Everything that the database says about our tables."""
    if storage._driver.dialect == "sqlite://":
        rows = raw(storage, "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return sorted((kind, name, " ".join(sql.split())) for kind, name, sql in rows)
    columns = raw(
        storage,
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, is_identity"
        " FROM information_schema.columns WHERE table_schema = current_schema()",
    )
    indexes = raw(
        storage,
        "SELECT replace(indexdef, quote_ident(schemaname) || '.', '') FROM pg_indexes"
        " WHERE schemaname = current_schema()",
    )
    return sorted(columns), sorted(indexes)


@pytest.mark.parametrize("version", RELEASED)
def test_a_released_schema_becomes_todays_with_everything_in_it(url, version):
    """Records, index, events and work are found and can be gone on with."""
    restore(url, version)

    assert Marketplace.migrate(url) == (version, HEAD)

    storage = SqlStorage(url)
    storage.setup()
    with storage.begin() as transaction:
        assert [one.id for one in transaction.find("thing")] == ["é", "a"]
        assert [one.id for one in transaction.find("thing", [("s", ["y"])])] == ["é"]
        assert [row.id for row in transaction.events()] == ["a/1", "a/2", "b/1"]
        assert [row.id for row in transaction.work("q", dead=True)] == ["w1"]
        late = NOON + timedelta(days=2)
        taken = transaction.claim("q", now=late, until=late, owner="w", limit=9, in_order=True)
        assert [row.id for row in taken] == ["w2", "w3"]
        assert transaction.replay("w1", late)
    storage.close()


@pytest.mark.parametrize("version", RELEASED)
def test_a_migrated_schema_is_that_of_an_empty_database(url, tmp_path, postgres_url, version):
    """However a database came to its tables, they are the same."""
    other = f"sqlite:///{tmp_path}/other.db" if url.startswith("sqlite") else postgres_url + "2"
    restore(url, version)
    Marketplace.migrate(url)
    Marketplace.migrate(other)

    migrated, fresh = SqlStorage(url), SqlStorage(other)
    found = catalogue(migrated), catalogue(fresh)
    if not url.startswith("sqlite"):
        raw(fresh, f"DROP SCHEMA {raw(fresh, 'SELECT current_schema()')[0][0]} CASCADE")
    migrated.close()
    fresh.close()

    assert found[0] == found[1]


def test_the_steps_make_the_tables_that_statements_are_written_for(url, storage, tmp_path):
    """``tables`` and the steps say the same."""
    other = SqlStorage(
        f"sqlite:///{tmp_path}/other.db" if url.startswith("sqlite") else url + "_other"
    )
    with other._connections.lend("alter") as connection:
        other._driver.make_room(connection)
    with closing(other._driver.connect("alter")) as connection:
        engine = create_engine(
            other._driver.dialect, creator=lambda: connection, poolclass=StaticPool
        )
        metadata.create_all(engine)
    made, said = catalogue(storage), catalogue(other)
    if not url.startswith("sqlite"):
        raw(other, f"DROP SCHEMA {raw(other, 'SELECT current_schema()')[0][0]} CASCADE")
        # The word indexes are of the database's own sort; a statement names them as text.
        mine = (VERSION_TABLE, "lexemes", "trigrams")
        made = tuple(
            [row for row in part if not any(name in str(row) for name in mine)] for part in made
        )
    else:
        mine = (VERSION_TABLE, "search_words", "search_spellings")
        made = [row for row in made if not any(name in str(row) for name in mine)]
    # Old tables name a column's key in another order of words than new ones do.
    other.close()

    assert made == said


def test_the_newest_step_is_the_one_that_a_store_asks_for():
    """And there is one line of steps."""
    config = Config()
    config.set_main_option("script_location", str(Path(steps.__file__).parent))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrating_again_changes_nothing(url):
    """Safe to run at every start."""
    assert Marketplace.migrate(url) == ("", HEAD)
    assert Marketplace.migrate(url) == (HEAD, HEAD)


def test_an_older_schema_is_refused_with_the_command_that_helps(url):
    """Nothing is migrated behind anybody's back."""
    restore(url, "0001")
    storage = SqlStorage(url)

    with pytest.raises(StorageError) as refusal:
        storage.setup()

    storage.close()
    assert "marketplace migrate" in refusal.value.hint
    assert not refusal.value.retryable


def test_a_newer_schema_is_refused(url, storage):
    """By a start and by a migration; neither touches it."""
    raw(storage, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    for act in (storage.setup, storage.migrate):
        with pytest.raises(StorageError) as refusal:
            act()
        assert "upgrade" in refusal.value.hint
    assert raw(storage, f"SELECT version_num FROM {VERSION_TABLE}") == [("9999",)]


@pytest.mark.parametrize("table", ["orders (id INTEGER)", "meta (name TEXT, value TEXT)"])
def test_a_database_of_somebody_else_is_refused(url, table):
    """Our tables never appear among others."""
    storage = SqlStorage(url)
    with storage._connections.lend("alter") as connection:
        storage._driver.make_room(connection)
        connection.execute(f"CREATE TABLE {table}")

    for act in (storage.setup, storage.migrate):
        with pytest.raises(StorageError) as refusal:
            act()
        assert "of its own" in refusal.value.hint
    assert raw(storage, f"SELECT * FROM {table.split()[0]}") == []
    storage.close()


def test_a_migration_that_fails_changes_nothing(url):
    """All steps are one transaction."""
    restore(url, "0001")
    storage = SqlStorage(url)
    raw(storage, "DROP INDEX work_dead")  # the second thing that the step 0002 drops
    before = catalogue(storage)

    with pytest.raises(StorageError):
        storage.migrate()

    assert catalogue(storage) == before
    storage.close()


def test_processes_that_migrate_at_once_do_it_once(url):
    """A fleet that starts: everybody goes on with today's schema."""
    restore(url, "0001")
    code = """
        print("ready", flush=True)
        sys.stdin.readline()
        print(*storage.migrate(), flush=True)
        storage.setup()
    """
    processes = [python(code, url) for _ in range(3)]
    for process in processes:
        process.stdout.readline()

    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0].strip() for process in processes)

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert said == [f"0001 {HEAD}", f"{HEAD} {HEAD}", f"{HEAD} {HEAD}"]


def test_the_command_migrates_and_says_what_it_did(url, monkeypatch, tmp_path):
    """The URL may be kept where no list of processes shows it."""
    restore(url, "0001")
    monkeypatch.setenv("MARKET", url)

    config = tmp_path / "marketplace.toml"
    config.write_text('storage = "env:MARKET"')

    first = CliRunner().invoke(app, ["migrate", "--config", str(config)])
    second = CliRunner().invoke(app, ["migrate", "env:MARKET"])

    assert (first.exit_code, first.output) == (0, f"the schema was 0001, now it is {HEAD}\n")
    assert (second.exit_code, second.output) == (0, f"the schema is up to date: {HEAD}\n")


def test_the_command_says_what_is_wrong_without_the_password():
    """An exit code for scripts, and a sentence for people."""
    result = CliRunner().invoke(
        app, ["migrate", "postgresql://u:hunter2@127.0.0.1:1/d?connect_timeout=2"]
    )

    assert result.exit_code == 6
    assert "cannot migrate storage" in result.output
    assert "hunter2" not in result.output


def test_a_storage_without_a_schema_has_nothing_to_migrate():
    """The memory store, for one."""
    assert Marketplace.migrate("memory") == ("", "")
    with pytest.raises(PluginError):
        Marketplace.migrate("nonsense:x")
    with pytest.raises(InvalidInput):
        Marketplace.migrate("sqlite://")


def test_a_database_that_is_ready_is_opened_without_alembic(sqlite_url):
    """A start does not wait for what it does not need."""
    Marketplace.migrate(sqlite_url)
    code = (
        "import sys; from marketplace_sdk_sql.storage import SqlStorage as S;"
        "S(sys.argv[1]).setup(); print('alembic' in sys.modules)"
    )

    loaded = subprocess.check_output([sys.executable, "-c", code, sqlite_url], text=True)

    assert loaded.strip() == "False"
