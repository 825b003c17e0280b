"""Conversations with a real workspace: what is written down, and that the fake follows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from marketplace_sdk_databricks.testing import FakeDatabricks, transcripts

FOLDER = Path(__file__).parent / "transcripts"
SETUP = [
    ("user", {"email": "ann@x.org"}),
    ("group", {"name": "readers", "managers": ["{me}"]}),
    ("table", {"name": "c.s.t", "columns": {"id": "bigint", "email": "string"}}),
    ("function", {"name": "c.s.f", "definition": "'***'"}),
    ("mask", {"table": "c.s.t", "column": "email", "function": "c.s.f"}),
    ("manage", {"principal": "{me}", "type": "catalog", "name": "c"}),
]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_fake_answers_as_every_transcript_says(path):
    with FakeDatabricks() as fake:
        assert transcripts.replay(transcripts.load(path), fake) == []


@pytest.fixture
def real(connect):
    """A workspace with names of its own, and a client on it whose words are taken down."""
    with FakeDatabricks(seed=7) as workspace:
        workspace.user("erika.mustermann@corp.test")
        workspace.group("Corp Readers", managers=[workspace.me])
        workspace.table("corp.secret_sales.t", {"id": "bigint", "email": "string"})
        workspace.function("corp.secret_sales.f", "'***'")
        workspace.mask("corp.secret_sales.t", "email", "corp.secret_sales.f")
        workspace.manage(workspace.me, "catalog", "corp")
        yield workspace


@pytest.fixture
def names(real):
    return {
        "erika.mustermann@corp.test": "ann@x.org",
        "Corp Readers": "readers",
        "corp": "c",
        "secret_sales": "s",
        "account-admin@x.org": "account-admin@x.org",
        real.me: "{me}",
    }


def test_a_conversation_is_taken_down_without_names_and_followed(real, names, connect, tmp_path):
    """From the wire of the SDK to a file, and from the file to another server."""
    recorder = transcripts.Recorder(names)
    client = connect(**real.settings)
    client.api_client._api_client._session.hooks["response"].append(recorder.heard)
    table, ann = "corp.secret_sales.t", "Erika.Mustermann@corp.test"
    real.pages(size=1)

    client.grants.update(
        "table", table, changes=[PermissionsChange(principal=ann, add=[Privilege.SELECT])]
    )
    list(client.grants.list("table", table, principal=ann))
    list(client.grants.list("catalog", "corp"))
    client.tables.get(table)
    (user,) = client.users_v2.list(filter=f'userName eq "{ann}"', attributes="id,userName")
    (group,) = client.groups_v2.list(filter='displayName eq "Corp Readers"')
    members = f"/api/2.0/identity/groups/{group.id}/direct-members"
    client.api_client.do("POST", members, body={"principal_id": int(user.id)})
    client.api_client.do("DELETE", f"{members}/{user.id}")
    path = tmp_path / "made.jsonl"
    recorder.write(path, "made by a test", [*SETUP, ("pages", {"size": 1})])

    text = path.read_text().lower()
    assert not [word for word in ("erika", "corp", "secret", real.token, real.me) if word in text]
    transcript = transcripts.load(path)
    assert len(transcript.exchanges) == len(real.calls) - 1  # all but the one about the host itself
    with FakeDatabricks(seed=8) as fake:
        assert transcripts.replay(transcript, fake) == []


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({"owner": "somebody@corp.test"}, "an e-mail address"),
        ({"name": "0d6b8f0a-1111-4222-8333-000000000001"}, "an id"),
        ({"name": "table 12345678"}, "an id"),
        ({"destination_id": "https://adb-1.azuredatabricks.net/x"}, "an address"),
        ({"name": "dapi0123456789abcdef"}, "a token"),
    ],
)
def test_what_belongs_to_somebody_is_not_written(answer, what):
    recorder = transcripts.Recorder({})

    with pytest.raises(ValueError, match=what):
        recorder.add("GET", "https://host/api/2.1/unity-catalog/tables/t", None, 200, answer)


def test_only_what_is_compared_is_kept(tmp_path):
    """Messages, comments, places of storage and rows of data are left out."""
    recorder = transcripts.Recorder({})
    answer = {
        "name": "t",
        "comment": "private",
        "storage_location": "s3://private",
        "result": {"data_array": [["private"]]},
        "message": "private",
    }

    recorder.add("GET", "https://host/api/x?y=1", None, 200, answer)
    recorder.write(tmp_path / "t.jsonl", "a test")

    (exchange,) = transcripts.load(tmp_path / "t.jsonl").exchanges
    assert exchange.answer == {"name": "t"}
    assert exchange.target == "/api/x?y=1"


def test_an_answer_that_is_no_json_is_left_out(connect, tmp_path):
    with FakeDatabricks() as fake:
        recorder = transcripts.Recorder({})
        client = connect(**fake.settings)
        client.api_client._api_client._session.hooks["response"].append(recorder.heard)
        fake.faults.add("GET", "*", html="<html><pre>blocked</pre></html>", status=403)
        with pytest.raises(OSError, match="blocked"):
            client.current_user.me()

    recorder.write(tmp_path / "t.jsonl", "a test")
    assert transcripts.load(tmp_path / "t.jsonl").exchanges == ()


def recorded(*exchanges):
    setup = (("user", {"email": "ann@x.org"}), ("table", {"name": "c.s.t", "columns": {}}))
    setup += (("metastore_admin", {"name": "{me}"}),)
    return transcripts.Transcript("a test", setup, exchanges)


TABLE = "/api/2.1/unity-catalog/permissions/table/c.s.t"
GRANT = {"changes": [{"principal": "ann@x.org", "add": ["SELECT"]}]}
GIVEN = {"principal": "ann@x.org", "privileges": ["SELECT"]}


@pytest.mark.parametrize(
    ("exchange", "difference"),
    [
        (transcripts.Exchange("GET", TABLE, None, 403, {}), "recorded 403, the fake 200"),
        (
            transcripts.Exchange("GET", TABLE, None, 200, {"privilege_assignments": []}),
            "leaves out privilege_assignments",
        ),
        (transcripts.Exchange("PATCH", TABLE, GRANT, 200, {}), "adds privilege_assignments"),
        (
            transcripts.Exchange(
                "PATCH", TABLE, GRANT, 200, {"privilege_assignments": [GIVEN, GIVEN]}
            ),
            "no entry",
        ),
        (
            transcripts.Exchange("PATCH", TABLE, GRANT, 200, {"privilege_assignments": []}),
            "adds the entry",
        ),
        (
            transcripts.Exchange(
                "GET",
                "/api/2.1/unity-catalog/tables/c.s.t",
                None,
                200,
                {"table_id": "{id:1}", "owner": "{id:1}"},
            ),
            "recorded '{id:1}'",
        ),
    ],
)
def test_a_difference_is_told(fake, exchange, difference):
    with FakeDatabricks() as running:
        found = transcripts.replay(recorded(exchange), running)

    assert any(difference in line for line in found), found


@pytest.mark.parametrize(
    "lines",
    [
        [{"transcript": 2, "about": "later"}],
        [{"transcript": 1, "about": "x"}, {"setup": "__class__", "with": {}}],
        [{"transcript": 1, "about": "x"}, {"setup": "drop", "with": {}}],
    ],
)
def test_a_file_that_is_no_transcript_is_refused(tmp_path, lines):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    with pytest.raises(ValueError, match="cannot read"):
        transcripts.load(path)
