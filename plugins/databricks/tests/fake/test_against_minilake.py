"""A second opinion: minilake, written by somebody else, gets every request that the fake gets.

Both start empty and are told the same story. What they answer is compared: the status, the code
of an error of Unity Catalog, and what the body says about grants, principals and members. Where
they differ the table below says why, and an entry that no longer is needed fails the test.

Left out of the comparison, because they say nothing: null against a missing key, ids (they are
replaced by names), order, and the further keys that only one of them sends.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest

from marketplace_sdk_databricks.testing import FakeDatabricks

UC = "/api/2.1/unity-catalog"
SCIM = "/api/2.0/preview/scim/v2"
TABLE = f"{UC}/permissions/table/c.s.t"
EFFECTIVE = f"{UC}/effective-permissions/table/c.s.t"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PATIENCE = 90
ANYBODY = "any token will do"


def change(principal, *, add=(), remove=(), type="table", name="c.s.t"):
    entry = {"principal": principal}
    entry |= {"add": list(add)} if add else {}
    entry |= {"remove": list(remove)} if remove else {}
    return "PATCH", f"{UC}/permissions/{type}/{name}", {"changes": [entry]}


def patch(*operations, schemas=(PATCH_OP,), group="{g}"):
    return "PATCH", f"{SCIM}/Groups/{group}", {"schemas": list(schemas), "Operations": operations}


def search(type, text):
    return "GET", f"{SCIM}/{type}?filter={quote(text)}", None


def get(target):
    return "GET", target, None


ADD_ANN = {"op": "add", "value": {"members": [{"value": "{ann}"}]}}
DROP_ANN = {"op": "remove", "path": 'members[value eq "{ann}"]'}
GROUP = get(f"{SCIM}/Groups/{{g}}")

STORIES = {
    "grants": {
        "nothing yet": get(TABLE),
        "one is added": change("ann@x.org", add=["SELECT"]),
        "it is read": get(TABLE),
        "of one": get(f"{TABLE}?principal=ann%40x.org"),
        "of another": get(f"{TABLE}?principal=bob%40x.org"),
        "it is added again": change("ann@x.org", add=["SELECT"]),
        "another is added": change("g", add=["MODIFY", "SELECT"]),
        "what is not held is removed": change("bob@x.org", remove=["SELECT"]),
        "one of two is removed": change("g", remove=["MODIFY"]),
        "all are read": get(TABLE),
        "a small page is read": get(f"{TABLE}?max_results=1"),
        "the last of one is removed": change("ann@x.org", remove=["SELECT"]),
        "the last is removed": change("g", remove=["SELECT"]),
        "nothing again": get(TABLE),
    },
    "inheritance": {
        "on the schema": change("g", add=["SELECT", "USE_SCHEMA"], type="schema", name="c.s"),
        "on the catalog": change("g", add=["USE_CATALOG"], type="catalog", name="c"),
        "not on the table itself": get(TABLE),
        "in effect on the table": get(EFFECTIVE),
        "in effect on the schema": get(f"{UC}/effective-permissions/schema/c.s"),
        "in effect for a member": get(f"{EFFECTIVE}?principal=ann%40x.org"),
        "on the table too": change("g", add=["SELECT"]),
        "twice in effect": get(EFFECTIVE),
    },
    "strictness": {
        "a type in capitals": get(f"{UC}/permissions/TABLE/c.s.t"),
        "a member of an enum": get(f"{UC}/permissions/SecurableType.TABLE/c.s.t"),
        "a type that is none": get(f"{UC}/permissions/view/c.s.v"),
        "a name of two parts": get(f"{UC}/permissions/table/c.s"),
        "a table that is not there": get(f"{UC}/permissions/table/c.s.nothing"),
        "a grant on it": change("ann@x.org", add=["SELECT"], name="c.s.nothing"),
        "a principal that is not there": change("nobody@x.org", add=["SELECT"]),
        "no principal": change("", add=["SELECT"]),
        "a group in other capitals": change("G", add=["SELECT"]),
        "an e-mail in capitals": change("ANN@X.org", add=["SELECT"]),
        "a table in capitals": get(f"{UC}/permissions/table/C.S.T"),
        "a privilege of a catalog": change("ann@x.org", add=["USE_CATALOG"]),
        "a privilege that is none": change("ann@x.org", add=["NO_SUCH"]),
        "a privilege in lower case": change("ann@x.org", add=["select"]),
        "added and removed": change("ann@x.org", add=["MODIFY"], remove=["MODIFY"]),
        "a listing by pages": get(f"{UC}/privilege-assignments/table/c.s.t"),
        "policies": get(f"{UC}/policies/table/c.s.t"),
    },
    "members": {
        "of nobody": GROUP,
        "one is added": patch(ADD_ANN),
        "it is read": GROUP,
        "it is added again": patch(ADD_ANN),
        "it is removed": patch(DROP_ANN),
        "it is removed again": patch(DROP_ANN),
        "by a path": patch({"op": "add", "path": "members", "value": [{"value": "{ann}"}]}),
        "nobody known": patch({"op": "add", "value": {"members": [{"value": "999999"}]}}),
        "without a schema": patch(DROP_ANN, schemas=()),
        "no operation of this name": patch({"op": "explode", "path": "members"}),
        "no operation": patch(),
        "all are removed": patch({"op": "remove", "path": "members"}),
        "nobody again": GROUP,
        "another group": get(f"{SCIM}/Groups/999999"),
        "in another group": patch(ADD_ANN, group="999999"),
    },
    "principals": {
        "a user": search("Users", 'userName eq "ann@x.org"'),
        "a user in capitals": search("Users", 'userName eq "ANN@x.org"'),
        "a group": search("Groups", 'displayName eq "g"'),
        "a group in capitals": search("Groups", 'displayName eq "G"'),
        "nobody": search("Users", 'userName eq "nobody@x.org"'),
        "two of them": search("Users", 'userName eq "ann@x.org" or userName eq "bob@x.org"'),
        "a filter that is none": search("Users", "userName like ann"),
        "by id": get(f"{SCIM}/Users/{{ann}}"),
        "no such id": get(f"{SCIM}/Users/999999"),
        "a name that is taken": ("POST", f"{SCIM}/Groups", {"displayName": "g"}),
        "another name": ("POST", f"{SCIM}/Groups", {"displayName": "h"}),
    },
    "account groups": {"one is added": patch(ADD_ANN)},
}

NO_ENDPOINT = "minilake does not have this request"
NO_OBJECTS = "minilake keeps grants by name and does not look whether the object is there"
NO_PAGES = "minilake never cuts a listing of grants into pages"
NO_PEOPLE = "minilake does not look whether a principal is there, nor how its name is compared"
NO_PRIVILEGES = "minilake keeps any word, in capitals, as a privilege of any object"

# (story, step): (status of the fake, status of minilake, why they may differ)
DISAGREEMENTS = {
    ("grants", "a small page is read"): (200, 200, NO_PAGES),
    ("inheritance", "twice in effect"): (
        200,
        200,
        (
            "minilake names a privilege once, from the nearest place; nothing written says so, and a"
            " privilege in two places is the harder answer for a client"
        ),
    ),
    ("strictness", "a member of an enum"): (
        400,
        200,
        "minilake takes what stands after the last dot; the service refuses it (sdk-py issue 1054)",
    ),
    ("strictness", "a type that is none"): (400, 200, NO_OBJECTS),
    ("strictness", "a table that is not there"): (404, 200, NO_OBJECTS),
    ("strictness", "a grant on it"): (404, 200, NO_OBJECTS),
    ("strictness", "a table in capitals"): (200, 200, NO_OBJECTS),
    ("strictness", "a principal that is not there"): (404, 200, NO_PEOPLE),
    ("strictness", "a group in other capitals"): (404, 200, NO_PEOPLE),
    ("strictness", "an e-mail in capitals"): (200, 200, NO_PEOPLE),
    ("strictness", "a privilege of a catalog"): (400, 200, NO_PRIVILEGES),
    ("strictness", "a privilege that is none"): (400, 200, NO_PRIVILEGES),
    ("strictness", "a privilege in lower case"): (400, 200, NO_PRIVILEGES),
    ("strictness", "added and removed"): (
        400,
        200,
        "minilake adds first and removes then; the command line's own test server refuses it",
    ),
    ("strictness", "a listing by pages"): (200, 501, NO_ENDPOINT),
    ("strictness", "policies"): (200, 501, NO_ENDPOINT),
    ("members", "nobody known"): (400, 200, NO_PEOPLE),
    ("members", "without a schema"): (
        400,
        200,
        "minilake does not ask for the schema that RFC 7644 makes part of every PATCH",
    ),
    ("principals", "two of them"): (200, 400, "minilake reads filters of one comparison only"),
    ("principals", "another name"): (
        201,
        200,
        "RFC 7644 answers 201 to what was made, and so does a recorded call in ucx issue 3796",
    ),
    ("account groups", "one is added"): (
        403,
        200,
        (
            "minilake knows one kind of group; by the documentation the SCIM service of a workspace"
            " fails on groups of the account"
        ),
    ),
}


@pytest.fixture(scope="module")
def minilake(tmp_path_factory):
    """The address of a running minilake; it needs no network and no containers."""
    place = tmp_path_factory.mktemp("minilake")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "MINILAKE_DATA_DIR": str(place / "data"),
        "MINILAKE_DUCKDB_EXTENSION_DIR": str(place),
        "MINILAKE_NOTEBOOK": "0",
        "MINILAKE_SERVICES": "identity,scim,unity_catalog,grants,catchall",
        "MINILAKE_SPARK_PREWARM": "0",
    }
    with (place / "out.txt").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "minilake", "--port", str(port)],
            cwd=place,
            env={**os.environ, **settings},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        reset(address, process, place / "out.txt")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def reset(address, process=None, log=None):
    """Empty it; when it is starting, as soon as it listens."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            status, _ = Side(address).ask("POST", "/_minilake/reset")
        except OSError:
            ended = process is None or process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise RuntimeError(log.read_text() if log else "minilake is gone") from None
            time.sleep(0.1)
        else:
            assert status == 200
            return


class Side:
    """One of the two servers, with the names that stand for its ids."""

    def __init__(self, address, token=ANYBODY):
        self.address = address
        self.token = token
        self.ids = {}

    def ask(self, method, target, body=None):
        text = json.dumps(body) if body is not None else None
        for name, id in self.ids.items():
            target = target.replace(f"{{{name}}}", str(id))
            text = text and text.replace(f"{{{name}}}", str(id))
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            connection.request(method, target, text, headers)
            answer = connection.getresponse()
            found = answer.read()
        return answer.status, json.loads(found) if found else {}

    def outcome(self, method, target, body):
        """What is compared of an answer."""
        status, found = self.ask(method, target, body)
        if status >= 400:
            return status, found.get("error_code") if target.startswith(UC) else None
        return status, self.said(found)

    def said(self, value):
        names = {str(id): name for name, id in self.ids.items()}
        if isinstance(value, list):
            return sorted((self.said(one) for one in value), key=repr)
        if isinstance(value, dict):
            kept = {key: self.said(one) for key, one in value.items() if key in COMPARED}
            return {key: one for key, one in kept.items() if one not in (None, [], {})}
        return names.get(str(value), value)


COMPARED = {
    "privilege_assignments",
    "principal",
    "privileges",
    "privilege",
    "inherited_from_type",
    "inherited_from_name",
    "next_page_token",
    "Resources",
    "totalResults",
    "userName",
    "members",
    "value",
    "id",
}


@pytest.fixture
def sides(minilake):
    """Both servers at the beginning of a story: ann, bob, and group g of nobody."""
    running = []

    def begin(story):
        reset(minilake)
        other = Side(minilake)
        for key, type, body in (
            ("ann", "Users", {"userName": "ann@x.org"}),
            ("bob", "Users", {"userName": "bob@x.org"}),
            ("g", "Groups", {"displayName": "g"}),
        ):
            other.ids[key] = other.ask("POST", f"{SCIM}/{type}", body)[1]["id"]
        fake = running_fake(relaxed=story != "account groups")
        side = Side(fake.host, fake.token)
        side.ids = {
            "ann": fake.user("ann@x.org"),
            "bob": fake.user("bob@x.org"),
            "g": fake.group("g", managers=[fake.me]),
        }
        fake.table("c.s.t", {"id": "bigint"})
        fake.metastore_admin(fake.me)
        return side, other

    def running_fake(*, relaxed):
        fake = FakeDatabricks(workspace_scim_edits_account_groups=relaxed)
        running.append(fake)
        return fake.__enter__()

    yield begin
    for fake in running:
        fake.__exit__(None, None, None)


def test_minilake_agrees_but_for_what_is_listed(sides):
    """Every step of every story goes to both."""
    differing, surprises = {}, []
    for story, steps in STORIES.items():
        fake, minilake = sides(story)
        for step, request in steps.items():
            ours, theirs = fake.outcome(*request), minilake.outcome(*request)
            if ours != theirs:
                differing[story, step] = (ours[0], theirs[0])
                if DISAGREEMENTS.get((story, step), ())[:2] != differing[story, step]:
                    surprises.append(f"{story}: {step}: the fake {ours}, minilake {theirs}")

    assert not surprises, "\n".join(surprises)
    assert set(DISAGREEMENTS) == set(differing), "an entry is stale: both now answer alike"
