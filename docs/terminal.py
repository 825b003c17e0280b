"""What the command line answers, for a picture of it: the commands are run when it is drawn."""

from __future__ import annotations

import shlex
import tempfile
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from marketplace_sdk import (
    Column,
    DataSource,
    Marketplace,
    Question,
    ReviewFlow,
    Stage,
    group,
    permission,
)
from marketplace_sdk.cli.app import app

__all__ = ["session"]

COMMANDS = (
    "marketplace grants preview req-1 --by fin",
    'marketplace requests approve req-1 --reason "budget owner agrees" --by fin',
    "marketplace requests explain req-1 --by bob",
    'marketplace requests approve req-1 --reason "no names in it" --by dpo',
    "marketplace worker --once",
    "marketplace audit verify",
)


def session() -> list[tuple[str, list[str]]]:
    """Each command, and the lines that it prints."""
    runner = CliRunner()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        _prepare()
        told = []
        for command in COMMANDS:
            done = runner.invoke(app, shlex.split(command)[1:], catch_exceptions=False)
            assert done.exit_code == 0, done.output
            told.append((command, done.stdout.splitlines()))
    return told


def _prepare() -> None:
    """A request that waits for two stewards."""
    Path("marketplace.toml").write_text(
        'storage = "sqlite:///marketplace.db"\n[connections.lake]\nplugin = "memory"\n',
        encoding="utf-8",
    )
    columns = [Column("id"), Column("email", masked=True)]
    with Marketplace.from_config("marketplace.toml") as market:
        market.people.add("uma", permissions=["USER_ADMIN"])
        market.people.add("gil", permissions=["GOVERNANCE"], by="uma")
        market.people.add("fin", groups=["finance-stewards"], by="uma")
        market.people.add("dpo", permissions=["PRIVACY_REVIEW"], by="uma")
        market.people.add("bob", principals={"lake": "bob"}, by="uma")
        table = DataSource("orders", connection="lake", object="sales.orders", columns=columns)
        market.sources.register(table, by="gil")
        market.domains.create("sales", by="gil")
        market.domains.assign("sales", ["orders"], by="gil")
        both = Stage.all_of(group("finance-stewards"), permission("PRIVACY_REVIEW"))
        form = market.forms.create(
            "Two yeses",
            questions=[Question.short_answer("why", "Why do you need it?")],
            review=ReviewFlow.review(both),
            by="gil",
        )
        market.products.publish(
            "Orders", id="orders", domain="sales", sources=["orders"], form=form.id, by="gil"
        )
        market.requests.request_access(
            "orders", id="req-1", answers={"why": "quarter-end forecast"}, by="bob"
        )
