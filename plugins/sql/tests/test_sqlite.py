"""What only a store in a file can show."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from plugins.sql.tests.helpers import record

from marketplace_sdk.plugin import InvalidInput, StorageError
from marketplace_sdk_sql import sqlite
from marketplace_sdk_sql.storage import SqlStorage


@pytest.fixture
def url(sqlite_url):
    return sqlite_url


def test_discovering_the_plugin_imports_no_database_library():
    """Whoever uses another store does not wait for SQLAlchemy."""
    code = "import sys, marketplace_sdk_sql.plugin as p; list(p.marketplace_storages()); "

    loaded = subprocess.check_output(
        [sys.executable, "-c", code + "print('sqlalchemy' in sys.modules)"], text=True
    )

    assert loaded.strip() == "False"


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory", "sqlite://host/x.db"],
)
def test_a_url_that_names_no_file_is_refused(url):
    """Each thread would get an empty database of its own in memory."""
    with pytest.raises(InvalidInput):
        SqlStorage(url)


@pytest.mark.parametrize("url", ["hunter2", "sqlite://u:hunter2@/x"])
def test_a_refused_url_is_not_repeated(url):
    """It may hold a password."""
    with pytest.raises(InvalidInput) as refusal:
        SqlStorage(url)

    assert "hunter2" not in str(refusal.value)


def test_memory_is_refused_with_the_way_to_get_it():
    """The hint names the memory store."""
    with pytest.raises(InvalidInput) as refusal:
        SqlStorage("sqlite:///:memory:")

    assert '"memory"' in refusal.value.hint


def test_a_relative_url_is_below_the_folder_of_then(tmp_path, monkeypatch):
    """A later change of folder does not open another file."""
    monkeypatch.chdir(tmp_path)
    storage = SqlStorage("sqlite:///here.db")

    monkeypatch.chdir("/")
    storage.setup()
    storage.close()

    assert (tmp_path / "here.db").exists()


def test_every_commit_is_durable(storage, url):
    """The write-ahead log is synchronised at each commit."""
    with storage.begin() as transaction:
        transaction.put(record("a"), None)
        connection = transaction._cursor.connection

        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (5_000,)


def test_a_file_that_is_no_database_is_refused(url, tmp_path):
    """It is not overwritten."""
    (tmp_path / "market.db").write_text("a letter to grandmother " * 100)

    with pytest.raises(StorageError):
        SqlStorage(url).setup()

    assert (tmp_path / "market.db").read_text().startswith("a letter")


def test_a_missing_folder_is_a_storage_error(tmp_path):
    """With a hint, not a traceback of the driver's."""
    with pytest.raises(StorageError) as refusal:
        SqlStorage(f"sqlite:///{tmp_path}/no/such/market.db").setup()

    assert "folder" in refusal.value.hint


def test_a_writer_who_waits_too_long_may_try_again(storage, tmp_path, monkeypatch):
    """Another process that holds the file makes a retryable error without row data."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    other = SqlStorage(f"sqlite:///{tmp_path / 'market.db'}")

    with storage.begin() as transaction:
        transaction.put(record("secret-id"), None)
        with pytest.raises(StorageError) as refusal, other.begin():
            pass
    other.close()

    assert refusal.value.retryable
    assert "secret" not in str(refusal.value)
    assert pickle.loads(pickle.dumps(refusal.value)).retryable  # noqa: S301  # our own bytes
