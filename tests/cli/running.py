"""How tests run the command, and a marketplace in a file for it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from marketplace_sdk import Column, DataSource, Marketplace, Question, ReviewFlow, Stage, group
from marketplace_sdk.cli.app import app


class Shop:
    """A configuration file with a store in SQLite, one domain, one form, one product.

    uma holds USER_ADMIN and GOVERNANCE, bob is a consumer, fin is the steward.
    """

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "marketplace.toml"
        self.file.write_text(
            f"storage = 'sqlite:///{folder}/market.db'\n[connections.lake]\nplugin = 'memory'\n",
            encoding="utf-8",
        )
        with self.open() as market:
            market.people.add("uma", permissions=["USER_ADMIN", "GOVERNANCE"])
            market.people.add("bob", principals={"lake": "bob"}, by="uma")
            market.people.add("fin", groups=["stewards"], by="uma")
            columns = [Column("id"), Column("email", masked=True)]
            market.sources.register(
                DataSource("orders", connection="lake", object="sales.orders", columns=columns),
                by="uma",
            )
            market.domains.create("sales", by="uma")
            market.domains.assign("sales", ["orders"], by="uma")
            market.forms.create(
                "Standard access",
                id="std",
                questions=[
                    Question.short_answer("why", "Why?"),
                    Question.checkboxes("for", "What for?", options=["a", "b"], required=False),
                    Question.access_duration("long"),
                ],
                review=ReviewFlow.review(Stage.any_of(group("stewards"))),
                by="uma",
            )
            market.products.publish(
                "Orders", id="p", domain="sales", sources=["orders"], form="std", by="uma"
            )

    def open(self):
        """The marketplace itself."""
        return Marketplace.from_config(self.file)

    def run(self, *words, by="uma", code=0, answer=None):
        """What the command prints as ``by``; it must end with this code."""
        env = {"MARKETPLACE_CONFIG": str(self.file), "MARKETPLACE_BY": by, "COLUMNS": "200"}
        done = CliRunner().invoke(app, words, catch_exceptions=False, env=env, input=answer)
        assert done.exit_code == code, done.output
        return done.output

    def data(self, *words, **more):
        """The same as data, with ``--json``."""
        return json.loads(self.run(*words, "--json", **more))

    def asked(self):
        """Id of a request of bob's that is pending."""
        return self.data(
            "requests", "create", "p", "--answer", "why=to see", "--answer", "for=b",
            "--answer", "for=a", "--answer", "long=30 days", by="bob",
        )["id"]  # fmt: skip
