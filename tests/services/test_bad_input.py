"""Bad input to every command: refused with an error of the tree, and nothing is written."""

from __future__ import annotations

import inspect
import pickle
from datetime import datetime, timedelta

import pytest

from marketplace_sdk import (
    Actor,
    Column,
    DataSource,
    DataUseAgreement,
    Declaration,
    DeclarationPlan,
    DomainPolicy,
    Duration,
    Emergency,
    InvalidInput,
    MarketplaceError,
    NotAllowed,
    NotFound,
    Question,
    QuietHours,
    ReviewFlow,
    Services,
    Stage,
    StewardSelector,
    TagRule,
    group,
    user,
)
from tests.services.helpers import kept, nothing_written, small_world
from tests.world import LEGAL, any_of

SECRET = "my secret answer"
HOOK = "MemoryNotifier-1"
SQL = '"; drop role x; --'
BROKEN = ["x" * 300, "a\0b", "a\u200fb", "a\ud800b", " a", "a ", "", "  ", "a\nb", "a\x1b[31mb"]
ODD = [5, 1.5, {}, {"a": 1}, [], ["a"], b"x", object(), True]

NEW = [*BROKEN, *ODD, None]
NEW_ID = [*BROKEN, *ODD]
KNOWN = [*BROKEN, *ODD, None, SQL, "nobody"]
KNOWN_OR_NONE = [*BROKEN, *ODD, SQL, "nobody"]
TEXT = ["a\0b", "a\ud800b", "x" * 20_001, *ODD, None]
REASON = [*TEXT, "", "  "]
WORDS = [*REASON, "\n\t ", "x" * 4_001, "a\x1b[31mb", "a\x07b", "a\x9bb"]
NAMES = [None, 5, "text", b"x", object(), ["a\0b"], [""], ["x" * 300], [5], [None], [{}], [["a"]]]
NOT_EMPTY = [each for each in BROKEN if each]
CONTACT = {
    "name": [*NOT_EMPTY, *ODD],
    "email": [*NOT_EMPTY, *ODD, "con", "con@", "con@example.com\r\nBcc: all@example.com"],
    "language": [*NOT_EMPTY, *ODD, "english please", "e"],
    "time_zone": [*NOT_EMPTY, *ODD, "Mars/Olympus", "../../etc/passwd", "/etc/localtime"],
}
SOURCES = [*NAMES, [], ["nobody"], [SQL], ["ledger", "nobody"], {}]
LIST = [5, object(), True, 1.5]
OBJECT = [5, "text", object(), ["a"], {"a": 1}]
FLAG = [5, "no", "yes", None, {}, [], object()]
MAPPING = [5, "text", ["a"], object(), b"x"]
LENGTH = [5, "3 days", timedelta(days=-1), timedelta(0), timedelta(microseconds=1), {}, object()]
UNTIL = [
    *LENGTH,
    datetime(2030, 1, 1),  # noqa: DTZ001  # naive is what this is about
    timedelta(days=-3),
]
HOURS = Duration(4, "hours")
REVISIONS = [*MAPPING, {"nobody": 1}]
BY = [*BROKEN, *ODD, None, "nobody", "system", SQL]
ANSWERS = [
    *MAPPING,
    {},
    {"why": None},
    {"why": 5},
    {"why": ""},
    {"why": [SECRET]},
    {"why": SECRET + "\0"},
    {"why": SECRET + "\ud800"},
    {"why": SECRET, "other": SECRET},
    {"why": SECRET, SECRET: "x"},
    {"why": SECRET, None: SECRET},
    {"why": SECRET, 5: SECRET},
    {"why": {SECRET: 1}},
]
WHO = [*BROKEN, *ODD, "nobody", SQL, user("con"), group("No such group")]
LIMIT = [0, -1, 1001, 1.5, "5", None, True, {}]
AFTER = ["x", "\0", "\ud800", 5, {}, "bm90", "WzFd", "W3t9LHt9XQ==", "W251bGwsbnVsbF0="]
HOLDER = [StewardSelector("permission", "X"), StewardSelector("attribute", "x", key="k")]
ACTORS = [
    lambda: Actor("con", authenticated_at=datetime(2030, 1, 1)),  # noqa: DTZ001  # naive
    lambda: Actor("con", authenticated_at="now"),
    lambda: Actor("con", via=5),
    lambda: Actor("con", via="a\0b"),
]
FILTER = [5, {}, [], "\ud800", "a\0b", object()]


def why(**more):
    return {"answers": {"why": "to count"}, **more}


COMMANDS = {
    "people.add": (
        lambda w: {"id": "new", "by": "uma"},
        {
            "id": NEW,
            "kind": [5, "robot", None, {}, []],
            "owner": [*BROKEN[:4], *ODD, "con", SQL, None],
            "groups": NAMES,
            "attributes": [
                *MAPPING,
                {"a": 5},
                {"a": [5]},
                {"a": None},
                {5: "x"},
                {"a\0": "x"},
                {"a": "\0"},
            ],
            "permissions": NAMES,
            "principals": [
                *MAPPING,
                {"nowhere": "x"},
                {"lake": 5},
                {"lake": "a\0b"},
                {"lake": None},
                {5: "x"},
            ],
            **CONTACT,
            "by": [each for each in BY if each is not None],
        },
    ),
    "people.update": (
        lambda w: {"id": "con", "groups": ["Some"], "by": "uma"},
        {
            "id": KNOWN,
            "owner": [*BROKEN[:4], *ODD, "dee"],
            "groups": NAMES[1:],
            "attributes": [*MAPPING, {"a": 5}, {5: "x"}],
            "permissions": NAMES[1:],
            **CONTACT,
            "by": BY,
        },
    ),
    "people.link": (
        lambda w: {"who": "dee", "connection": "lake", "name": "dee_there", "by": "uma"},
        {"who": [*KNOWN, user("con")], "connection": KNOWN, "name": NEW, "by": BY},
    ),
    "people.deactivate": (lambda w: {"id": "pat", "by": "uma"}, {"id": KNOWN, "by": BY}),
    "people.reactivate": (lambda w: {"id": "lea", "by": "uma"}, {"id": KNOWN, "by": BY}),
    "people.get": (lambda w: {"id": "con", "by": "con"}, {"id": KNOWN, "by": BY}),
    "people.find": (lambda w: {"by": "uma"}, {"after": AFTER, "limit": LIMIT, "by": BY}),
    "domains.create": (
        lambda w: {"name": "New", "by": "gil"},
        {
            "name": [*NEW, "a.b"],
            "description": TEXT,
            "tags": NAMES,
            "policy": [*OBJECT, {}, [], ""],
            "by": BY,
        },
    ),
    "domains.assign": (
        lambda w: {"name": "HR", "sources": ["ledger"], "by": "gil"},
        {"name": KNOWN, "sources": [*NAMES, ["nobody"], [SQL], ["ledger", "nobody"]], "by": BY},
    ),
    "domains.remove": (
        lambda w: {"name": "HR", "sources": ["leave"], "by": "gil"},
        {"name": KNOWN, "sources": [*NAMES, ["nobody"], [SQL], ["ledger", "nobody"]], "by": BY},
    ),
    "domains.grant": (
        lambda w: {"name": "HR", "permission": "MANAGE_POLICIES", "to": "dee", "by": "uma"},
        {
            "name": KNOWN,
            "permission": KNOWN,
            "to": [*KNOWN, LEGAL.__class__("permission", "X")],
            "by": BY,
        },
    ),
    "domains.ungrant": (
        lambda w: {"name": "HR", "permission": "MANAGE_DATA_PRODUCTS", "to": "dee", "by": "uma"},
        {"name": KNOWN, "permission": KNOWN, "to": [*BROKEN, *ODD, None], "by": BY},
    ),
    "domains.update": (
        lambda w: {"name": "HR", "description": "people", "by": "gil"},
        {"name": KNOWN, "description": TEXT[:-1], "tags": [*LIST, "text", {}, [5], [""]], "by": BY},
    ),
    "declarations.export": (lambda w: {"by": "con"}, {"by": BY}),
    "declarations.plan": (
        lambda w: {"declarations": [Declaration(kind="domain", id="new")], "by": "con"},
        {"declarations": [*LIST, None, "text", {"a": 1}, ["a"], [None]], "prune": FLAG, "by": BY},
    ),
    "declarations.apply": (
        lambda w: {"plan": DeclarationPlan(), "by": "con"},
        {"plan": [*OBJECT, None, ()], "done": [], "by": BY},
    ),
    "domains.set_policy": (
        lambda w: {"name": "HR", "policy": DomainPolicy(auto_approve=False), "by": "gil"},
        {"name": KNOWN, "policy": [*OBJECT, None, {}], "by": BY},
    ),
    "domains.delete": (lambda w: {"name": "FIN", "by": "gil"}, {"name": KNOWN, "by": BY}),
    "domains.get": (lambda w: {"name": "HR", "by": "con"}, {"name": KNOWN, "by": BY}),
    "domains.find": (lambda w: {"by": "con"}, {"after": AFTER, "limit": LIMIT, "by": BY}),
    "domains.sources": (lambda w: {"name": "HR", "by": "con"}, {"name": KNOWN, "by": BY}),
    "sources.register": (
        lambda w: {"source": DataSource("new", connection="lake", object="a.b"), "by": "gil"},
        {"source": [*OBJECT, None, DataSource("n", connection="away", object="o")], "by": BY},
    ),
    "sources.update": (
        lambda w: {"name": "leave", "description": "days off", "by": "gil"},
        {
            "name": KNOWN,
            "columns": [5, "text", [5], ["a\0b"], [None], ["a", "a"], [{}], object(), b"x"],
            "description": [each for each in TEXT if each is not None],
            "by": BY,
        },
    ),
    "sources.tag": (
        lambda w: {"name": "leave", "tags": ["New"], "by": "gil"},
        {"name": KNOWN, "tags": NAMES, "origin": NEW, "by": BY},
    ),
    "sources.untag": (
        lambda w: {"name": "people", "tags": ["Marked"], "by": "gil"},
        {"name": KNOWN, "tags": NAMES, "origin": NEW, "by": BY},
    ),
    "sources.discover": (
        lambda w: {"connection": "lake", "pattern": "none.*", "by": "gil"},
        {"connection": [*KNOWN, "nowhere"], "pattern": NEW, "by": BY},
    ),
    "sources.accept_replaced": (None, {"name": KNOWN, "by": BY}),
    "sources.accept_owner": (None, {"name": KNOWN, "owner": NEW, "by": BY}),
    "sources.get": (lambda w: {"name": "leave", "by": "con"}, {"name": KNOWN, "by": BY}),
    "sources.find": (
        lambda w: {"by": "con"},
        {"connection": FILTER, "tag": FILTER, "after": AFTER, "limit": LIMIT, "by": BY},
    ),
    "forms.create": (
        lambda w: {
            "name": "New",
            "questions": [Question.short_answer("q", "Q?")],
            "domain": "HR",
            "by": "dee",
        },
        {
            "name": [*NEW, "Standard request form"],
            "questions": [
                None,
                5,
                "text",
                [],
                [5],
                [None],
                {},
                [Question.short_answer("q", "Q?")] * 2,
            ],
            "domain": KNOWN_OR_NONE,
            "review": OBJECT,
            "agreements": [
                *NAMES,
                ["nobody"],
                [DataUseAgreement("a\0b", "x")],
                [DataUseAgreement("A", "")],
                [DataUseAgreement(5, 5)],
                [DataUseAgreement("A", "x", id=5)],
            ],
            "allow_self_review": FLAG,
            "fallback": OBJECT,
            "escalation": OBJECT,
            "expire_after": LENGTH,
            "id": NEW_ID,
            "by": BY,
        },
    ),
    "forms.edit": (
        lambda w: {"id": w.form_id, "name": "Other name", "by": "dee"},
        {
            "id": [*KNOWN, "standard"],
            "name": [*BROKEN, *ODD],
            "questions": [5, "text", [], [5], [None], {}],
            "review": OBJECT,
            "agreements": [*NAMES[1:], ["nobody"]],
            "allow_self_review": [each for each in FLAG if each is not None],
            "fallback": OBJECT,
            "escalation": OBJECT,
            "expire_after": LENGTH,
            "by": BY,
        },
    ),
    "forms.delete": (
        lambda w: {"id": w.unused, "by": "dee"},
        {"id": [*KNOWN, "standard"], "by": BY},
    ),
    "forms.create_agreement": (
        lambda w: {"name": "New terms", "body": "x", "by": "dee"},
        {"name": NEW, "body": REASON, "id": NEW_ID, "by": BY},
    ),
    "forms.get": (lambda w: {"id": w.form_id, "by": "con"}, {"id": KNOWN, "by": BY}),
    "forms.version": (
        lambda w: {"id": w.market.forms.get(w.form_id, by="con").current.id, "by": "con"},
        {"id": KNOWN, "by": BY},
    ),
    "forms.kinds": (lambda w: {"by": "con"}, {"by": BY}),
    "forms.find": (
        lambda w: {"by": "con"},
        {"domain": FILTER, "after": AFTER, "limit": LIMIT, "by": BY},
    ),
    "products.publish": (
        lambda w: {"name": "New", "domain": "HR", "sources": ["leave"], "by": "dee"},
        {
            "name": [*NEW, SQL, "a.b", "a&b"],
            "domain": KNOWN,
            "sources": SOURCES,
            "form": KNOWN_OR_NONE,
            "masking_form": KNOWN_OR_NONE,
            "review": [*OBJECT, ReviewFlow.delegate(), ReviewFlow.deny(reason="no")],
            "masking_review": [*OBJECT, ReviewFlow.delegate()],
            "description": TEXT,
            "tags": NAMES,
            "expert": [*BROKEN[:4], *ODD, "nobody", None],
            "max_duration": LENGTH,
            "emergency": OBJECT,
            "id": NEW_ID,
            "by": BY,
        },
    ),
    "products.update": (
        lambda w: {"id": w.product.id, "description": "new", "by": "dee"},
        {
            "id": KNOWN,
            "name": [*BROKEN, *ODD, SQL],
            "description": [each for each in TEXT if each is not None],
            "tags": NAMES[1:],
            "expert": [*BROKEN[:4], *ODD, "nobody"],
            "form": KNOWN_OR_NONE,
            "masking_form": KNOWN_OR_NONE,
            "review": [*OBJECT, ReviewFlow.delegate()],
            "masking_review": OBJECT,
            "max_duration": LENGTH,
            "emergency": OBJECT,
            "by": BY,
        },
    ),
    "products.set_sources": (
        lambda w: {"id": w.product.id, "sources": ["people", "leave"], "by": "dee"},
        {"id": KNOWN, "sources": SOURCES, "by": BY},
    ),
    "products.preview": (
        lambda w: {"id": w.product.id, "sources": ["people", "leave"], "by": "dee"},
        {"id": KNOWN, "sources": SOURCES, "by": BY},
    ),
    "products.confirm_sources": (
        lambda w: {"id": w.product.id, "sources": ["people"], "by": "dee"},
        {"id": KNOWN, "sources": SOURCES, "by": BY},
    ),
    "products.suspend": (
        lambda w: {"id": w.product.id, "reason": "x", "by": "dee"},
        {"id": KNOWN, "reason": REASON, "by": BY},
    ),
    "products.resume": (lambda w: {"id": w.suspended.id, "by": "dee"}, {"id": KNOWN, "by": BY}),
    "products.retire": (lambda w: {"id": w.product.id, "by": "dee"}, {"id": KNOWN, "by": BY}),
    "products.delete": (
        lambda w: {"id": w.product.id, "cascade": True, "by": "dee"},
        {"id": KNOWN, "cascade": FLAG, "by": BY},
    ),
    "products.get": (lambda w: {"id": w.product.id, "by": "con"}, {"id": KNOWN, "by": BY}),
    "products.search": (
        lambda w: {"text": "people", "by": "con"},
        {
            "text": TEXT,
            "name": FILTER,
            "domain": FILTER,
            "tags": [*NAMES],
            "owner": FILTER,
            "status": [*FILTER, "nowhere"],
            "role": [*FILTER, "nobody"],
            "ends": [each for each in FLAG if each is not None],
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "requests.request_access": (
        lambda w: why(product=w.suspended.id, by="con"),
        {
            "product": KNOWN,
            "answers": ANSWERS,
            "acknowledge": [*LIST, None, ["nobody"], "nobody", [5], [{}], [None]],
            "on_behalf_of": WHO,
            "form_version": KNOWN_OR_NONE,
            "id": NEW_ID,
            "by": BY,
        },
    ),
    "requests.request_masking_exception": (
        lambda w: why(product=w.product.id, columns=["people.salary"], by="con"),
        {
            "product": KNOWN,
            "columns": [
                *NAMES,
                [],
                {},
                ["people"],
                ["people.name"],
                ["people.nix"],
                ["ledger.id"],
                ["people.salary\0"],
                [SQL],
                [SQL + ".x"],
                ["people.\u200fsalary"],
                ["people.sal\ud800ary"],
                ["people.salary", 5],
            ],
            "answers": ANSWERS,
            "acknowledge": [*LIST, None, ["nobody"]],
            "on_behalf_of": WHO,
            "form_version": KNOWN_OR_NONE,
            "id": NEW_ID,
            "by": BY,
        },
    ),
    "requests.extend": (
        lambda w: why(id=w.approved.id, by="pat"),
        {
            "id": KNOWN,
            "answers": ANSWERS,
            "acknowledge": [*LIST, None, ["nobody"]],
            "form_version": KNOWN_OR_NONE,
            "new_id": NEW_ID,
            "by": BY,
        },
    ),
    "requests.approve": (
        lambda w: {"id": w.pending.id, "reason": "fine", "by": "ana"},
        {
            "id": KNOWN,
            "reason": REASON,
            "until": UNTIL,
            "determination": NEW_ID,
            "revision": [0, 99, -1, "1", {}, object(), 1.5, True, 1.0],
            "deputy_for": KNOWN_OR_NONE,
            "by": BY,
        },
    ),
    "requests.deny": (
        lambda w: {"id": w.pending.id, "reason": "no", "by": "ana"},
        {
            "id": KNOWN,
            "reason": REASON,
            "determination": NEW_ID,
            "revision": [0, 99, "1", True, 1.0],
            "deputy_for": KNOWN_OR_NONE,
            "by": BY,
        },
    ),
    "requests.ask": (
        lambda w: {"id": w.pending.id, "question": "Which heads?", "by": "ana"},
        {
            "id": KNOWN,
            "question": WORDS,
            "inquiry": NEW_ID,
            "revision": [0, 99, "1", True, 1.0],
            "deputy_for": KNOWN_OR_NONE,
            "by": BY,
        },
    ),
    "requests.answer": (
        lambda w: {"id": w.pending.id, "inquiry": "heads?", "answer": "all", "by": "con"},
        {
            "id": KNOWN,
            "inquiry": KNOWN,
            "answer": WORDS,
            "revision": [0, 99, "1", True, 1.0],
            "by": BY,
        },
    ),
    "requests.cancel": (
        lambda w: {"id": w.pending.id, "by": "con"},
        {"id": KNOWN, "reason": TEXT, "by": BY},
    ),
    "requests.revoke": (
        lambda w: {"id": w.approved.id, "reason": "x", "by": "dee"},
        {"id": KNOWN, "reason": REASON, "by": BY},
    ),
    "requests.approve_each": (
        lambda w: {"ids": [w.pending.id], "reason": "fine", "by": "ana"},
        {
            "ids": NAMES,
            "reason": REASON,
            "until": UNTIL,
            "determination": NEW_ID,
            "revisions": REVISIONS,
            "deputy_for": NEW_ID,
            "by": BY,
        },
    ),
    "requests.deny_each": (
        lambda w: {"ids": [w.pending.id], "reason": "no", "by": "ana"},
        {
            "ids": NAMES,
            "reason": REASON,
            "determination": NEW_ID,
            "revisions": REVISIONS,
            "deputy_for": NEW_ID,
            "by": BY,
        },
    ),
    "requests.cancel_each": (
        lambda w: {"ids": [w.pending.id], "by": "con"},
        {"ids": NAMES, "reason": TEXT, "by": BY},
    ),
    "requests.revoke_each": (
        lambda w: {"ids": [w.approved.id], "reason": "x", "by": "dee"},
        {"ids": NAMES, "reason": REASON, "by": BY},
    ),
    # What is wrong with the answers is each product's own result: `tests/services/test_each.py`.
    "requests.request_each": (
        lambda w: why(products=[w.suspended.id], by="con"),
        {
            "products": NAMES,
            "answers": (),
            "acknowledge": (),
            "on_behalf_of": (),
            "by": BY,
        },
    ),
    "requests.break_glass": (
        lambda w: {"product": w.opened.id, "reason": "down", "by": "con"},
        {
            "product": KNOWN,
            "reason": REASON,
            "acknowledge": [*LIST, None, ["nobody"], "nobody", [5], [{}], [None]],
            "id": NEW_ID,
            "by": BY,
        },
    ),
    "requests.review_emergency": (
        lambda w: {"id": w.broken.id, "justified": True, "reason": "fine", "by": "ana"},
        {"id": KNOWN, "justified": FLAG, "reason": REASON, "by": BY},
    ),
    "requests.settle_emergency": (
        lambda w: {"id": w.unjustified.id, "reason": "fine", "by": "gil"},
        {"id": KNOWN, "reason": REASON, "by": BY},
    ),
    "requests.relinquish": (
        lambda w: {"id": w.approved.id, "by": "pat"},
        {"id": KNOWN, "reason": TEXT, "by": BY},
    ),
    "requests.get": (lambda w: {"id": w.pending.id, "by": "con"}, {"id": KNOWN, "by": BY}),
    "requests.explain": (lambda w: {"id": w.pending.id, "by": "con"}, {"id": KNOWN, "by": BY}),
    "requests.history": (lambda w: {"id": w.pending.id, "by": "con"}, {"id": KNOWN, "by": BY}),
    "requests.find": (
        lambda w: {"by": "con"},
        {
            "state": [*FILTER, "nowhere"],
            "kind": [*FILTER, "nothing"],
            "product": FILTER,
            "domain": FILTER,
            "requester": FILTER,
            "beneficiary": [*FILTER, *HOLDER],
            "role": [*FILTER, "nobody"],
            "review": [*FILTER, "nobody"],
            "inquiry": [*FILTER, "nobody"],
            "emergency": [*FILTER, "nobody"],
            "ends": [each for each in FLAG if each is not None],
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "requests.awaiting": (lambda w: {"by": "ana"}, {"after": AFTER, "limit": LIMIT, "by": BY}),
    "grants.of": (
        lambda w: {"who": "pat", "by": "pat"},
        {
            "who": [*BROKEN, *ODD, None, *HOLDER],
            "ended": FLAG,
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "grants.find": (
        lambda w: {"by": "pat"},
        {
            "product": FILTER,
            "state": [*FILTER, "nowhere"],
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "campaigns.start": (
        lambda w: {
            "name": "Review",
            "domain": "HR",
            "deadline": timedelta(days=20),
            "silence": "keep",
            "by": "dee",
        },
        {
            "name": NEW,
            "domain": KNOWN,
            "products": [*NAMES[1:], [], ["nobody"], [SQL], {}],
            "deadline": [*UNTIL, None],
            "silence": [*BROKEN, *ODD, None, "forgive"],
            "id": NEW_ID,
            "by": BY,
        },
    ),
    "campaigns.certify": (
        lambda w: {"item": w.item, "reason": "x", "by": "ana"},
        {"item": KNOWN, "reason": REASON, "revision": [-1, 1.5, "5", True, {}, 99], "by": BY},
    ),
    "campaigns.refuse": (
        lambda w: {"item": w.item, "reason": "x", "by": "ana"},
        {"item": KNOWN, "reason": REASON, "revision": [-1, 1.5, "5", True, {}, 99], "by": BY},
    ),
    "campaigns.close": (
        lambda w: {"id": "review", "reason": "x", "by": "dee"},
        {"id": KNOWN, "reason": REASON, "by": BY},
    ),
    "campaigns.cancel": (
        lambda w: {"id": "review", "reason": "x", "by": "dee"},
        {"id": KNOWN, "reason": REASON, "by": BY},
    ),
    "campaigns.get": (lambda w: {"id": "review", "by": "dee"}, {"id": KNOWN, "by": BY}),
    "campaigns.progress": (lambda w: {"id": "review", "by": "dee"}, {"id": KNOWN, "by": BY}),
    "campaigns.find": (
        lambda w: {"by": "dee"},
        {
            "state": [*FILTER, "nowhere"],
            "domain": FILTER,
            "product": FILTER,
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "campaigns.items": (
        lambda w: {"campaign": "review", "by": "dee"},
        {
            "campaign": KNOWN,
            "state": [*FILTER, "nowhere"],
            "awaiting_me": FLAG,
            "product": FILTER,
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "campaigns.report": (
        lambda w: {"id": "review", "by": "dee"},
        {"id": KNOWN, "format": [*BROKEN, *ODD, None, "xml"], "by": BY},
    ),
    "grants.preview": (
        lambda w: {"request": w.pending.id, "by": "ana"},
        {"request": KNOWN, "by": BY},
    ),
    "grants.adopt": (None, {"id": KNOWN, "by": BY}),
    "grants.drift": (
        lambda w: {"connection": "lake", "product": w.product.id, "by": "gil"},
        {"connection": [*FILTER, "nowhere"], "product": [*FILTER, "nothing"], "by": BY},
    ),
    "grants.repair": (
        lambda w: {"connection": "lake", "product": w.product.id, "by": "gil"},
        {"connection": [*FILTER, "nowhere"], "product": [*FILTER, "nothing"], "by": BY},
    ),
    "grants.get": (
        lambda w: {"id": w.market.grants.of("pat", by="pat").items[0].id, "by": "pat"},
        {"id": KNOWN, "by": BY},
    ),
    "inbox.of": (
        lambda w: {"person": "ana", "by": "ana"},
        {"person": KNOWN, "unread": FLAG, "after": AFTER, "limit": LIMIT, "by": BY},
    ),
    "inbox.mark_read": (
        lambda w: {"id": w.market.inbox.of("ana", by="ana").items[0].id, "by": "ana"},
        {"id": KNOWN, "by": BY},
    ),
    "preferences.get": (
        lambda w: {"person": "ana", "by": "ana"},
        {"person": KNOWN, "by": BY},
    ),
    "deputies.name": (
        lambda w: {"deputy": "sal", "until": Duration(1, "weeks"), "by": "ana"},
        {
            "deputy": [*KNOWN, "ana", "lea", group("Legal"), user("sal")],
            "until": [*UNTIL, None, Duration(13, "months")],
            "since": [each for each in UNTIL if each is not None],
            "domain": KNOWN_OR_NONE,
            "product": KNOWN_OR_NONE,
            "id": [*NEW_ID, "away"],
            "by": BY,
        },
    ),
    "deputies.end": (lambda w: {"id": "away", "by": "ana"}, {"id": KNOWN, "by": BY}),
    "deputies.get": (lambda w: {"id": "away", "by": "ana"}, {"id": KNOWN, "by": BY}),
    "deputies.find": (
        lambda w: {"by": "ana"},
        {
            "of": FILTER,
            "deputy": FILTER,
            "live": FLAG[:3] + FLAG[4:],
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "preferences.set": (
        lambda w: {"person": "ana", "by": "ana"},
        {
            "person": KNOWN,
            "channels": [
                *MAPPING,
                {"nowhere": "off"},
                {5: "off"},
                {None: {}},
                {HOOK: "loud"},
                {HOOK: {"nothing": "off"}},
                {HOOK: {5: "off"}},
                {HOOK: None},
                {HOOK: {"*": ["off"]}},
            ],
            "quiet_hours": [
                *OBJECT,
                ("22:00", "07:00"),
                QuietHours("22:00", "22:00"),
                QuietHours("late", "07:00"),
                QuietHours(5, None),
            ],
            "digest_at": [*TEXT[:2], *ODD, "late", "24:00", "8:00", ""],
            "by": BY,
        },
    ),
    "preferences.defaults": (lambda w: {"by": "ana"}, {"by": BY}),
    "preferences.set_default": (
        lambda w: {"channel": HOOK, "on": False, "by": "ada"},
        {
            "channel": KNOWN,
            "on": [each for each in FLAG if each is not None],
            "modes": [5, "loud", {"nothing": "off"}, {"*": 5}, ["off"], object()],
            "by": BY,
        },
    ),
    "audit.events": (
        lambda w: {"by": "aud"},
        {
            "aggregate": FILTER,
            "after": [-1, "x", None, 1.5, {}, "\0"],
            "limit": [0, -1, "x", None, 1.5, {}],
            "by": BY,
        },
    ),
    "audit.export": (
        lambda w: {"by": "aud"},
        {
            "format": ["xml", "", None, 5, []],
            "since": [each for each in UNTIL if each is not None],
            "until": [each for each in UNTIL if each is not None],
            "aggregate": FILTER,
            "by": BY,
        },
    ),
    "audit.seals": (
        lambda w: {"by": "aud"},
        {
            "after": [-1, "x", None, 1.5, {}, "\0"],
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "audit.erase": (
        lambda w: {"person": "sal", "reason": "asked for it", "by": "gil"},
        {"person": [*NEW, "system", "con", "pat"], "reason": REASON, "by": BY},
    ),
    "audit.retain": (
        lambda w: {"older_than": timedelta(days=30), "by": "gil"},
        {"older_than": [*LENGTH, None, timedelta(hours=1)], "by": BY},
    ),
    "inbox.mark_unread": (None, {"id": KNOWN, "by": BY}),
    "inbox.mark_all_read": (
        lambda w: {"by": "ana"},
        {"until": [5, "today", datetime(2026, 1, 1), {}], "by": BY},  # noqa: DTZ001  # naive, on purpose
    ),
    "destinations.create": (
        lambda w: {"url": "https://new.example/", "secret": "env:HOOK_ONE", "by": "ada"},
        {
            "url": [*NEW, "ftp://x.example/", "not an address", "https://\u00e4.example/"],
            "secret": [*NEW, "hunter2", "whsec_aGVsbG8=", "env:HOME", "file:/etc/passwd"],
            "types": [*NAMES, ["request.submitted"], {}],
            "include": [*NAMES, ["everything"], {}],
            "format": [*BROKEN, *ODD, None, "xml"],
            "description": TEXT,
            "id": [*NEW_ID, "a|b", "inbox", "MemoryNotifier-1"],
            "by": BY,
        },
    ),
    "destinations.update": (
        lambda w: {"id": "hook", "description": "new", "by": "ada"},
        {
            "id": [*KNOWN, "MemoryNotifier-1"],
            "url": [*BROKEN, *ODD, "ftp://x.example/"],
            "types": [*NAMES[1:], ["request.submitted"]],
            "include": [*NAMES[1:], ["everything"]],
            "format": [*BROKEN, *ODD, "xml"],
            "description": TEXT[:-1],
            "by": BY,
        },
    ),
    "destinations.rotate_secret": (
        lambda w: {"id": "hook", "secret": "env:HOOK_TWO", "by": "ada"},
        {
            "id": [*KNOWN, "MemoryNotifier-1"],
            "secret": [*NEW, "hunter2", "env:HOME", "env:HOOK_ONE", "env:HOOK_/../HOME"],
            "overlap": [5, "1 day", None, timedelta(days=-1), timedelta(days=91), {}],
            "by": BY,
        },
    ),
    "destinations.disable": (
        lambda w: {"id": "hook", "reason": "moves", "by": "ada"},
        {"id": KNOWN, "reason": REASON, "by": BY},
    ),
    "destinations.enable": (
        lambda w: {"id": "hook", "by": "ada"},
        {"id": KNOWN, "by": BY},
    ),
    "destinations.delete": (
        lambda w: {"id": "hook", "by": "ada"},
        {"id": [*KNOWN, "MemoryNotifier-1"], "by": BY},
    ),
    "destinations.get": (
        lambda w: {"id": "hook", "by": "ada"},
        {"id": KNOWN, "by": BY},
    ),
    "destinations.find": (
        lambda w: {"by": "ada"},
        {"after": AFTER, "limit": LIMIT, "by": BY},
    ),
    "destinations.history": (
        lambda w: {"id": "hook", "by": "ada"},
        {
            "id": KNOWN,
            "state": [*BROKEN, *ODD, "lost"],
            "after": AFTER,
            "limit": LIMIT,
            "by": BY,
        },
    ),
    "destinations.redeliver": (
        lambda w: {"id": "hook", "since": w.clock(), "by": "ada"},
        {
            "id": KNOWN,
            "message": [*NEW_ID, "nothing like it"],
            "since": [5, "yesterday", datetime(2026, 1, 1), None, {}],  # noqa: DTZ001  # naive, on purpose
            "until": [5, "today", datetime(2026, 1, 1), {}],  # noqa: DTZ001  # the same
            "by": BY,
        },
    ),
    "destinations.test": (
        lambda w: {"id": "hook", "by": "ada"},
        {"id": KNOWN, "by": BY},
    ),
    "deliveries.dead": (lambda w: {"by": "ada"}, {"after": AFTER, "limit": LIMIT, "by": BY}),
    "deliveries.replay": (None, {"id": KNOWN, "by": BY}),
}
NEVER = {
    "inbox.mark_unread": {"id": "x", "by": "ana"},
    "deliveries.replay": {"id": "x", "by": "ada"},
    "grants.adopt": {"id": "x", "by": "gil"},
    "sources.accept_replaced": {"name": "people", "by": "gil"},
    "sources.accept_owner": {"name": "people", "owner": "etl", "by": "gil"},
}
"""Commands that this world cannot obey, each with arguments that are well formed."""
NOT_COMMANDS = {"audit.seal", "audit.verify"}  # take nothing, or seals
CASES = [(name, field) for name, (_, fields) in COMMANDS.items() for field in fields]


def prepared(storage="memory"):
    """A world in which every command of the table could succeed."""
    world = small_world(storage)
    world.form_id = world.form(any_of(LEGAL), name="Used")
    world.unused = world.form(any_of(LEGAL), name="Unused")
    world.product = world.publish(form=world.form_id)
    world.suspended = world.publish(form=world.form_id, sources=["leave"])
    world.market.products.suspend(world.suspended.id, reason="x", by="dee")
    world.market.sources.tag("people", ["Marked"], by="gil")
    world.pending = world.ask(world.product)
    world.market.requests.ask(world.pending.id, "Which?", inquiry="heads?", by="ana")
    world.market.people.add("lea", by="uma")
    world.market.people.deactivate("lea", by="uma")
    world.market.deputies.name("fay", until=Duration(1, "months"), id="away", by="ana")
    world.approved = world.approve(
        world.ask(world.product, by="pat"), "ana", until=Duration(30, "days")
    )
    both = [user("con"), user("pat")]
    rule = Emergency(duration=HOURS, review_within=Duration(2, "days"), who=both)
    products = [world.publish(form=world.form_id, emergency=rule) for _ in range(3)]
    world.opened, one, other = products
    glass = world.market.requests.break_glass
    world.broken = glass(one.id, reason="down", by="con")
    world.unjustified = glass(other.id, reason="down", by="pat")
    world.market.requests.review_emergency(
        world.unjustified.id, justified=False, reason="no", by="ana"
    )
    world.market.destinations.create(
        "https://hook.example/", secret="env:HOOK_ONE", id="hook", by="ada"
    )
    world.market.campaigns.start(
        "Review",
        products=[world.product.id],
        deadline=timedelta(days=20),
        silence="keep",
        id="review",
        by="dee",
    )
    world.deliver()
    (item,) = world.market.campaigns.items("review", by="dee")
    world.item = item.id
    return world


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def untouched(request, tmp_path_factory):
    """One world for all cases: none of them may change it."""
    path = tmp_path_factory.mktemp("bad") / "market.db"
    made = prepared("memory" if request.param == "memory" else f"sqlite:///{path}")
    made.before = kept(made)
    yield made
    made.close()


def command(services, name):
    service, method = name.split(".")
    return getattr(getattr(services, service), method)


def test_the_table_knows_every_command(untouched):
    """A command that is added has to be tried with bad input too."""
    found = set()
    for service, value in vars(Services(untouched.market._context)).items():
        for method, _ in inspect.getmembers(type(value), inspect.isfunction):
            if not method.startswith("_") and method != "acting":
                found.add(f"{service}.{method}")

    assert found - NOT_COMMANDS == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_tries_every_argument(untouched, name):
    """An argument that is added has to be tried with bad input too."""
    assert set(inspect.signature(command(untouched.market, name)).parameters) == set(
        COMMANDS[name][1]
    )


@pytest.mark.parametrize("name", [name for name, (valid, _) in COMMANDS.items() if valid])
def test_the_same_command_without_bad_input_succeeds(name):
    """Otherwise the refusals below would prove nothing."""
    world = prepared()
    valid, _ = COMMANDS[name]

    command(world.market, name)(**valid(world))

    world.close()


@pytest.mark.parametrize(("name", "field"), CASES, ids=lambda value: value)
def test_bad_input_is_refused_before_anything_is_written(untouched, name, field):
    """Refused with an error of the tree which says what to do and repeats nothing; not stored."""
    valid, fields = COMMANDS[name]
    before = kept(untouched)
    wrong = []
    for value in fields[field]:
        arguments = {**(valid(untouched) if valid else NEVER[name]), field: value}
        try:
            answer = command(untouched.market, name)(**arguments)
        except MarketplaceError as error:
            flaw = flaw_of(error)
            if flaw:
                wrong.append(f"{value!r:.60}: {flaw}: {error!r:.200}")
        except Exception as error:  # noqa: BLE001  # any other error is what is looked for
            wrong.append(f"{value!r:.60}: {error!r:.200}")
        else:
            wrong.append(f"{value!r:.60}: accepted: {answer!r:.100}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert kept(untouched) == before, "something was written"


def flaw_of(error):
    """What is wrong with an error itself."""
    text = str(error)
    if any(not character.isprintable() for character in text):
        return "the message holds raw control characters"
    if SECRET in text or SECRET in repr(error):
        return "the message repeats an answer"
    if not error.hint and not getattr(error, "problems", ()):
        return "the message does not say what to do"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    if (type(again), str(again), again.code) != (type(error), text, error.code):
        return "does not survive pickling"
    return ""


@pytest.mark.parametrize(
    "name", [SQL, "Robert'); DROP TABLE people;--", "%s {0} ${x}", "naïve 名前"]
)
def test_odd_but_plain_names_are_only_names(name):
    """What is printable is kept letter for letter and never read as anything but a name."""
    world = small_world()
    market = world.market

    market.people.add(
        name, groups=[name], principals={"lake": world.platform.principal(name)}, by="uma"
    )
    market.domains.create(name.replace(".", ""), by="gil")
    product = world.publish(any_of(group(name), LEGAL))
    request = world.ask(product, by=name, answers={"why": name})
    world.approve(request, "ana", reason=name)
    world.deliver()

    assert market.people.get(name, by=name).groups == {name}
    assert world.platform.reads(name, world.objects["people"], "name") == "clear"
    assert world.reads("con") == "none"
    world.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda: DataSource("x", connection="lake", object="o", columns=5),
        lambda: DataSource("x", connection="lake", object="o", columns=[5]),
        lambda: DataSource("x", connection="lake", object="o", tags=5),
        lambda: DataSource("x", connection="lake", object="o", tags=[5]),
        lambda: DataSource("a.b", connection="lake", object="o"),
        lambda: DataSource(None, connection="lake", object="o"),
        lambda: DataSource("x", connection=None, object=None),
        lambda: Column("x", masked="no"),
        lambda: Column("x", tags=5),
        lambda: Column(None),
        lambda: TagRule(None),
        lambda: TagRule("x", origins=5),
        lambda: TagRule("x", origins="manual"),
        lambda: TagRule("x", origins=[5]),
        lambda: TagRule("x", origins=[]),
        lambda: DomainPolicy(extra_stages=5),
        lambda: DomainPolicy(extra_stages=[5]),
        lambda: DomainPolicy(auto_approve="no"),
        lambda: DomainPolicy(self_review="sometimes"),
        lambda: DomainPolicy(max_duration=5),
        lambda: DomainPolicy(emergency=5),
        lambda: Emergency(duration=5, review_within=HOURS, who=[LEGAL]),
        lambda: Emergency(duration=HOURS, review_within="2 days", who=[LEGAL]),
        lambda: Emergency(duration=HOURS, review_within=HOURS, who=LEGAL),
        lambda: Emergency(duration=HOURS, review_within=HOURS, who=["ana"]),
        lambda: Emergency(duration=HOURS, review_within=HOURS, who=[]),
        lambda: Duration(-1, "days"),
        lambda: Duration(1, "fortnights"),
        lambda: Duration(1, None),
        lambda: Duration(1, {}),
        lambda: Duration("1", "days"),
        lambda: Question.dropdown("k", "L", options=5),
        lambda: Question.dropdown("k", "L", options=[5]),
        lambda: Question.dropdown("k", "L", options=[]),
        lambda: Question.checkboxes("k", "L", options=[{}]),
        lambda: Question.short_answer("k", "L", required="no"),
        lambda: Question(key="k", label="L", kind={}),
        ReviewFlow.review,
        lambda: ReviewFlow.review(5),
        lambda: ReviewFlow.approve(justification=""),
        lambda: ReviewFlow.approve(justification="x", duration=5),
        lambda: ReviewFlow.delegate(allow_automatic="no"),
        Stage.any_of,
        lambda: Stage.any_of("ana"),
        Stage.all_of,
        lambda: Stage.all_of(5),
        lambda: Stage.all_of({}),
        lambda: Stage(sets=5),
        lambda: Stage(sets=((5,),)),
        lambda: Stage.all_of(group("x"), distinct_stewards="no"),
        lambda: ReviewFlow(default=None),
        lambda: ReviewFlow(default="deny"),
        lambda: ReviewFlow(rules=5, default=ReviewFlow.deny(reason="no")),
        lambda: ReviewFlow(rules=[5], default=ReviewFlow.deny(reason="no")),
        lambda: StewardSelector("robot", "x"),
        lambda: StewardSelector("user", {}),
        lambda: user(None),
        lambda: group({}),
    ],
)
def test_values_refuse_what_they_cannot_be(make):
    """E37 and the rest: an impossible value is refused where it is made."""
    with pytest.raises(InvalidInput) as caught:
        make()

    assert flaw_of(caught.value) == ""


@pytest.mark.parametrize("make", ACTORS)
def test_an_actor_is_checked_where_it_is_made(make):
    """A time without a zone names no instant."""
    with pytest.raises(InvalidInput):
        make()


@pytest.mark.parametrize("limit", [0, -1, 1.5, "5", True, {}])
def test_an_operators_call_is_checked_too(small, limit):
    """Deliver takes a whole number of at least 1."""
    with nothing_written(small), pytest.raises(InvalidInput, match="limit"):
        small.market.deliver(limit=limit)


def test_no_actor_is_told_what_to_do(small):
    """Every command and every read has an actor."""
    for call in (
        small.market.products.search,
        lambda: small.market.people.get("con"),
        lambda: small.market.domains.create("New"),
    ):
        with pytest.raises(NotAllowed, match="by=") as caught:
            call()
        assert caught.value.code == "no_actor"


def test_who_may_not_see_it_cannot_tell_it_from_what_is_not_there(small):
    """What one may not see is NotFound, in the same words."""
    request = small.ask(small.publish(any_of(LEGAL)))

    with pytest.raises(NotFound) as hidden:
        small.market.requests.get(request.id, by="pat")
    with pytest.raises(NotFound) as missing:
        small.market.requests.get("nothing", by="pat")

    assert str(hidden.value).replace(request.id, "X") == str(missing.value).replace("nothing", "X")


def test_a_wrong_answer_is_never_repeated(small):
    """Messages name the question, never what was answered."""
    colours = Question.dropdown("colour", "Which?", options=["red"])
    boxes = Question.checkboxes("boxes", "Which?", options=["a"])
    form = small.form(any_of(LEGAL), questions=[colours, boxes, Question.access_duration("long")])
    product = small.publish(form=form)
    bad = {"colour": SECRET, "boxes": [SECRET], "long": {"amount": SECRET, "unit": SECRET}}

    with nothing_written(small), pytest.raises(InvalidInput) as caught:
        small.ask(product, answers=bad)

    assert {problem.path for problem in caught.value.problems} == {
        "answers.colour",
        "answers.boxes",
        "answers.long",
    }
    assert flaw_of(caught.value) == ""
