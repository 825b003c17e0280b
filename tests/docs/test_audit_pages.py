"""The pages about the audit log say what is true."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

from marketplace_sdk.domain.seals import Seal
from marketplace_sdk.plugin import dump
from marketplace_sdk.services._exporting import COLUMNS
from tests.world import LEGAL, any_of

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_names_every_column_and_field():
    """In the order of the export."""
    text = (DOCS / "reference/audit-export.md").read_text(encoding="utf-8")
    events, seals = text.split("## Seals")

    assert tuple(re.findall(r"^\| `(\w+)` \|", events, flags=re.MULTILINE)) == COLUMNS
    named = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", seals, re.MULTILINE)))
    assert named == list(Seal.__annotations__)


def test_a_hash_can_be_made_from_what_the_reference_says(small):
    """By somebody who has the page and nothing else."""
    small.ask(small.publish(any_of(LEGAL)))
    seal = small.market.audit.seal()
    rows = [json.loads(line) for line in small.market.audit.export(by="aud")]

    def canonical(data):
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return sha256(text.encode()).hexdigest()

    names = ["aggregate", "sequence", "id", "type", "at", "actor", "payload_hash", "previous"]
    for row in rows:
        assert canonical(row["payload"]) == row["payload_hash"]
        assert canonical([row[name] for name in names]) == row["hash"]
    level = [sha256(f"\0{row['position']}:{row['hash']}".encode()).digest() for row in rows]

    def root(hashes):
        if len(hashes) == 1:
            return hashes[0]
        half = 1 << (len(hashes) - 1).bit_length() - 1
        return sha256(b"\1" + root(hashes[:half]) + root(hashes[half:])).digest()

    assert root(level).hex() == seal.root
    data = {"previous": "", **dump(seal)}
    at = data["at"].replace("Z", "+00:00")
    lines = [
        "seal",
        data["number"],
        at,
        *(data[n] for n in ["first", "last", "count", "root", "previous"]),
    ]
    assert sha256("\n".join(map(str, lines)).encode()).hexdigest() == seal.hash
