"""Chores that a maintainer runs by hand: `nox -l` lists them. What CI checks is in tox.ini."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["demo"]


@nox.session
def demo(session: nox.Session) -> None:
    """Run the whole story on a real PostgreSQL: ask, approve, read, expire, undo."""
    session.run("uv", "run", "marketplace", "demo", *session.posargs, external=True)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure everything that a figure is claimed for; takes minutes on a quiet machine."""
    session.run("uv", "run", "python", "benchmarks/run.py", *session.posargs, external=True)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break quorum, workflow and reconciler in small ways; the tests must notice each."""
    mutmut = ("uv", "run", "--group", "chores", "mutmut")
    session.run(*mutmut, "run", *session.posargs, external=True)
    session.run(*mutmut, "results", external=True)


@nox.session
def news(session: nox.Session) -> None:
    """Show the next section of the changelog; with `-- 0.2.0` write it and drop the fragments."""
    how = (
        ("--yes", "--version", *session.posargs)
        if session.posargs
        else ("--draft", "--version", "next")
    )
    session.run("uv", "run", "--group", "chores", "towncrier", "build", *how, external=True)


@nox.session(name="docs-live")
def docs_live(session: nox.Session) -> None:
    """Build the documentation and serve it on this machine only."""
    site = "docs/_build/html"
    session.run("uv", "run", "--group", "docs", "sphinx-build", "docs", site, external=True)
    session.run(
        "uv",
        "run",
        "python",
        "-m",
        "http.server",
        "--bind",
        "127.0.0.1",
        "--directory",
        site,
        *session.posargs,
        external=True,
    )
