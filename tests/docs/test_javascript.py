"""What is written for programs in JavaScript, by the official packages: our page, and our cards.

Needs node, npm and the network, so it is left out of a plain run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from marketplace_sdk import Marketplace
from tests.receiver import Receiver

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
HOW_TO = (ROOT / "docs" / "how-to" / "webhooks.md").read_text(encoding="utf-8")
CARDS = sorted((ROOT / "plugins" / "chat" / "tests" / "golden").glob("teams-*.json"))
PACKAGES = ("adaptivecards@3.0.6", "standardwebhooks@1.1.1")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

RECEIVE = """
import { readFileSync } from "node:fs";
const { headers, body } = JSON.parse(readFileSync(0, "utf8"));
const other = { ...headers, "webhook-id": "another" };
console.log(JSON.stringify([
  receive(headers, body), receive(other, body), receive(headers, body.replace("test", "tset")),
]));
"""

PARSE = """
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const cards = createRequire(import.meta.url)("./node_modules/adaptivecards/dist/adaptivecards.js");
const context = new cards.SerializationContext(), card = new cards.AdaptiveCard();
card.parse(JSON.parse(readFileSync(0, "utf8")), context);
const parsing = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at));
const complaints = [...parsing, ...card.validateProperties().validationEvents];
console.log(JSON.stringify({ complaints: complaints.map(e => e.message), card: card.toJSON() }));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Run a module: ``node(text, given)`` gives what it says; both sides speak JSON."""
    if shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    folder = tmp_path_factory.mktemp("javascript")
    install = ("npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES)
    subprocess.run(install, cwd=folder, check=True, timeout=100)

    def run(text, given, **environment):
        (folder / "module.mjs").write_text(text, encoding="utf-8")
        done = subprocess.run(
            ("node", "module.mjs"),
            cwd=folder,
            check=True,
            timeout=60,
            capture_output=True,
            text=True,
            input=json.dumps(given),
            env={"PATH": str(Path(shutil.which("node")).parent), **environment},
        )
        return json.loads(done.stdout)

    return run


def test_the_receiver_of_the_page_takes_a_signed_delivery_and_nothing_else(node):
    """Signed for a real socket; under another id, or altered, it is refused."""
    [receiver_in_javascript] = re.findall(r"```javascript\n(.*?)```", HOW_TO, flags=re.DOTALL)
    with Receiver(SECRET) as receiver:
        hook = {
            "plugin": "webhook",
            "url": receiver.url,
            "secret": SECRET,
            "allow_networks": ["127.0.0.0/8"],
        }
        with Marketplace("memory", notifiers=[hook]) as market:
            market.people.add("ada", permissions=["USER_ADMIN", "APPLICATION_ADMIN"])
            assert market.destinations.test("webhook", by="ada").delivered
    [(headers, body)] = receiver.raw
    given = {
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": body.decode(),
    }

    said = node(receiver_in_javascript + RECEIVE, given, MARKETPLACE_WEBHOOK_PORTAL=SECRET)

    taken, other, altered = said
    assert (taken["status"], taken["event"]) == (204, json.loads(body))
    assert other == altered == {"status": 401}


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_card_is_what_the_parser_of_adaptive_cards_reads(node, path):
    """It complains about nothing, and writes the same card that it has read."""
    card = json.loads(path.read_text(encoding="utf-8"))

    assert node(PARSE, card) == {"complaints": [], "card": card}


def test_the_parser_complains_about_what_is_no_card(node):
    """So its silence says something."""
    card = json.loads(CARDS[0].read_text(encoding="utf-8"))
    card["body"][0]["type"] = "RichTextBlok"
    del card["actions"][0]["url"]

    assert len(node(PARSE, card)["complaints"]) >= 2
