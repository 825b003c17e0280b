"""What an import costs: the core stays light, adapters are loaded when they are chosen."""

from __future__ import annotations

import os
import subprocess
import sys


def _alone():
    """The environment without whatever measures coverage in subprocesses, which imports too."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COV")}


def _imported(statement):
    """Names of the modules that a fresh interpreter has after a statement."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=_alone(),
    )
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}


def test_importing_the_sdk_loads_no_adapter():
    """Neither a plugin, nor SQLAlchemy, nor an HTTP client, nor a driver, nor a test runner."""
    found = _imported("import marketplace_sdk")

    heavy = ("sqlalchemy", "httpx", "httpcore", "psycopg", "click", "rich", "pytest", "sqlite3")
    assert "marketplace_sdk" in found
    assert not {name for name in found if name.split(".")[0] in heavy}
    assert not {name for name in found if name.startswith("marketplace_sdk_")}


def test_a_marketplace_in_memory_builds_nothing_that_it_does_not_use():
    """With discovery on, plugins are known by their specs; what is not chosen is not loaded."""
    statement = (
        "import sys; from marketplace_sdk import Marketplace; Marketplace('memory').close(); "
        "print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", statement],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=_alone(),
    )

    found = set(done.stdout.split())
    assert "marketplace_sdk_sql.plugin" in found
    assert not {name for name in found if name.split(".")[0] in ("sqlalchemy", "httpx", "psycopg")}


def test_helpers_for_tests_need_no_test_runner():
    """Fakes and broken adapters serve any runner; only the conformance kits are pytest's."""
    found = _imported("import marketplace_sdk.testing, marketplace_sdk.testing.broken.provisioners")

    assert "marketplace_sdk.testing.broken.provisioners" in found
    assert not {name for name in found if name.split(".")[0] in ("pytest", "_pytest")}
