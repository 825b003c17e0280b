"""Everyday commands: what they print for people and machines, what they ask, how they end."""

from __future__ import annotations

import json
import re
import tomllib

import click
import pytest
from click.testing import CliRunner

from marketplace_sdk import Duration, Emergency, Escalation, group, user
from marketplace_sdk.cli.app import OWN, app
from marketplace_sdk.cli.opening import EXITS
from marketplace_sdk.cli.showing import clean
from marketplace_sdk.errors import MarketplaceError
from tests.cli.running import Shop


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_request_from_asking_to_taking_back(shop):
    id = shop.asked()
    shown = shop.data("requests", "show", id, by="bob")
    assert shown["state"] == "pending"
    assert shown["answers"] == {
        "why": "to see", "for": ["a", "b"], "long": {"amount": 30, "unit": "days"},
    }  # fmt: skip
    assert "still open: group stewards" in shop.run("requests", "explain", id, by="bob")
    assert [each["id"] for each in shop.data("requests", "list", "--mine", by="fin")["items"]] == [
        id
    ]
    assert shop.data("requests", "list", "--mine", by="bob")["items"] == []

    said = shop.run("requests", "approve", id, "--reason", "fine", "--until", "7 days", by="fin")
    assert re.fullmatch(rf"{id}: approved until \d{{4}}-\d\d-\d\d \d\d:\d\d UTC\n", said)
    assert [each["type"] for each in shop.data("requests", "history", id)][:1] == [
        "request.submitted"
    ]  # fmt: skip

    said = shop.run("requests", "revoke", id, "--reason", "done", by="fin", answer="n\n", code=1)
    assert "wanted on lake: sales.orders" in said
    assert "revoke the access of bob? [y/N]" in said
    assert shop.data("requests", "show", id)["state"] == "approved"
    shop.run("requests", "revoke", id, "--reason", "done", "--yes", by="fin")
    assert shop.data("requests", "show", id)["state"] == "revoked"


def test_a_steward_asks_back_and_the_requester_answers(shop):
    """Which question is named only where more than one is open; what people wrote is clean."""
    id = shop.asked()
    mine = ("requests", "list", "--to-answer")
    assert shop.data(*mine, by="bob")["items"] == []

    assert shop.run("requests", "ask", id, "Which quarter?", by="fin") == f"{id}: pending\n"
    assert [each["id"] for each in shop.data(*mine, by="bob")["items"]] == [id]
    said = shop.run("requests", "explain", id, by="bob")
    assert "asked by fin, not answered: Which quarter?" in said
    assert shop.run("requests", "answer", id, "The third.", by="bob") == f"{id}: pending\n"
    assert shop.data(*mine, by="bob")["items"] == []
    assert "(--inquiry)" not in shop.run("requests", "show", id)
    assert re.search(
        r"asked back +fin, \S+ \S+ UTC \(\S+\): Which quarter\?\n +bob: The third\.\n",
        shop.run("requests", "show", id, by="fin"),
    )

    said = shop.run("requests", "answer", id, "More.", by="bob", code=2)
    assert "say with --inquiry which question; open are: none" in said
    for question in ("And who?", "And why?"):
        found = shop.data("requests", "ask", id, question, by="fin")["inquiries"]
    assert f"open are: {found[1]['id']}, {found[2]['id']}" in shop.run(
        "requests", "answer", id, "Me.", by="bob", code=2
    )
    one = ("--inquiry", found[1]["id"])
    answered = shop.data("requests", "answer", id, "Me.", *one, by="bob")["inquiries"]
    assert [each["answer"] for each in answered] == ["The third.", "Me.", ""]

    shop.run("requests", "approve", id, "--reason", "fine", by="fin")
    said = shop.run("requests", "ask", id, "Too late?", by="fin", code=5)
    assert "only what is pending is asked about" in said
    shop.run("requests", "ask", id, "\x1b[2J", by="fin", code=2)


def test_people_see_when_others_may_decide_and_when_it_is_called_off(shop):
    with shop.open() as market:
        market.forms.edit(
            "std",
            escalation=Escalation(after=Duration(3, "days"), to=group("office")),
            expire_after=Duration(30, "days"),
            by="uma",
        )
    form = shop.run("forms", "show", "std")
    assert re.search(r"^escalates to +group office after 3 days$", form, re.MULTILINE)
    assert re.search(r"^called off +after 30 days$", form, re.MULTILINE)
    id = shop.asked()

    shown = shop.run("requests", "show", id, by="bob")
    assert re.search(r"^escalates +\S+ \S+ UTC to group office$", shown, re.MULTILINE)
    assert re.search(r"^called off +\S+ \S+ UTC$", shown, re.MULTILINE)
    told = shop.run("requests", "explain", id, by="bob")
    assert re.search(r"^from \S+ \S+ UTC on group office may decide, too$", told, re.MULTILINE)
    assert re.search(r"^called off at \S+ \S+ UTC unless it is decided$", told, re.MULTILINE)
    data = shop.data("requests", "explain", id, by="bob")
    assert data["escalation"] == "group office"
    assert data["escalates_at"] < data["expires_at"]


def test_a_deputy_is_named_decides_and_is_no_deputy_any_more(shop):
    """What is printed names both."""
    shop.run("people", "add", "dee", by="uma")
    said = shop.run("deputies", "name", "dee", "--until", "2 weeks", by="fin")
    assert re.fullmatch(r"(\S+): dee for fin: everything, .* UTC to .* UTC\n", said)
    ship = said.split(":", 1)[0]
    id = shop.asked()
    assert [each["id"] for each in shop.data("requests", "list", "--mine", by="dee")["items"]] == [
        id
    ]
    assert "say deputy_for='fin'" in shop.run(
        "requests", "deny", id, "--reason", "no", by="dee", code=4
    )

    shop.run("requests", "ask", id, "Which quarter?", "--deputy-for", "fin", by="dee")
    assert "dee for fin" in shop.run("requests", "show", id, by="bob")
    said = shop.run("requests", "approve", id, "--reason", "ok", "--deputy-for", "fin", by="dee")
    assert said.startswith(f"{id}: approved")
    assert re.search(
        r"decided +dee for fin: approve: ok\n", shop.run("requests", "show", id, by="fin")
    )

    listed = shop.run("deputies", "list", "--of", "fin", "--live", by="fin")
    assert ship in listed
    assert "everything" in listed
    assert "ended" in shop.run("deputies", "end", ship, by="dee")
    assert shop.data("deputies", "list", "--live", by="fin")["items"] == []
    assert shop.data("deputies", "list", by="fin")["items"][0]["ended_by"] == "dee"


def test_a_list_is_decided_with_a_line_for_each(shop):
    """The status says whether all went well; one that is refused holds up nothing."""
    first = shop.asked()
    with shop.open() as market:
        market.people.add("ann", principals={"lake": "ann"}, by="uma")
    second = shop.data(
        "requests", "create", "p", "--answer", "why=x", "--answer", "long=1 day",
        "--for", "ann", by="bob",
    )["id"]  # fmt: skip

    said = shop.run(
        "requests", "approve", first, "nowhere", second, "--reason", "fine", by="fin", code=1
    )
    assert [line.split(" until ")[0] for line in said.splitlines()] == [
        f"{first}: approved",
        (
            "cannot approve request nowhere: not found "
            "(check the id; what you may not see is not found either)"
        ),
        f"{second}: approved",
    ]
    told = shop.data("requests", "deny", first, second, "--reason", "no", by="fin", code=1)
    assert [each["error"]["code"] for each in told["items"]] == ["already_determined"] * 2
    said = shop.run(
        "requests", "revoke", first, second, "--reason", "done", by="fin", answer="n\n", code=1
    )
    assert "revoke the access of bob, ann? [y/N]" in said
    told = shop.data("requests", "revoke", first, second, "--reason", "done", "--yes", by="fin")
    assert [each["request"]["state"] for each in told["items"]] == ["revoked"] * 2
    said = shop.run("requests", "cancel", first, second, by="bob", code=1)
    assert said.count("cannot cancel request") == 2


def test_the_glass_is_broken_reviewed_and_settled(shop):
    """Where the product allows it; lists and records say how the review stands."""
    said = shop.run("requests", "break-glass", "p", "--reason", "it is down", by="bob", code=4)
    assert "it allows no emergency access" in said
    with shop.open() as market:
        rule = Emergency(
            duration=Duration(4, "hours"), review_within=Duration(2, "days"), who=[user("bob")]
        )
        market.products.update("p", emergency=rule, by="uma")
    assert "4 hours" in shop.run("products", "show", "p", by="bob")

    id = shop.data("requests", "break-glass", "p", "--reason", "it is down", by="bob")["id"]
    for emergency, count in (("awaiting_me", 1), ("overdue", 0)):
        listed = shop.data("requests", "list", "--emergency", emergency, by="fin")["items"]
        assert len(listed) == count
    said = shop.run("requests", "show", id, by="fin")
    assert re.search(r"emergency +bob: it is down\n +review due \d{4}-", said)
    said = shop.run("requests", "review", id, "--reason", "no", by="fin", code=2)
    assert "say --justified or --not-justified" in said
    said = shop.run("requests", "review", id, "--not-justified", "--reason", "no", by="fin")
    assert said.startswith(f"{id}: revoked")
    shop.run("requests", "break-glass", "p", "--reason", "again", by="bob", code=4)
    shop.run("requests", "settle", id, "--reason", "talked", by="uma")
    said = shop.run("requests", "show", id, by="fin")
    assert re.search(r"fin: unjustified: no\n +uma: settled: talked", said)
    shop.run("requests", "break-glass", "p", "--reason", "again", by="bob")


def test_a_masking_exception_is_asked_with_columns(shop):
    asked = shop.data(
        "requests", "create", "p", "--column", "orders.email", "--answer", "why=x",
        "--answer", "long=1 month", "--for", "bob", by="uma",
    )  # fmt: skip

    assert (asked["kind"], asked["columns"]) == ("masking_exception", ["orders.email"])
    assert (asked["requester"], asked["beneficiary"]["id"]) == ("uma", "bob")


def test_who_gives_up_is_shown_what(shop):
    id = shop.asked()
    shop.run("requests", "approve", id, "--reason", "fine", by="fin")

    said = shop.run("requests", "relinquish", id, by="bob", answer="y\n")

    assert "sales.orders" in said
    assert f"{id}: revoked" in said


@pytest.mark.parametrize("verb", ["deny", "cancel"])
def test_a_request_can_be_ended_before_it_is_decided(shop, verb):
    id = shop.asked()
    by = "fin" if verb == "deny" else "bob"

    assert shop.data("requests", verb, id, "--reason", "no", by=by)["state"] in (
        "denied",
        "canceled",
    )


def test_an_end_may_be_asked_to_be_later(shop):
    id = shop.asked()
    shop.run(
        "requests", "approve", id, "--reason", "fine", "--until", "2999-01-01T00:00Z", by="fin"
    )

    more = shop.data(
        "requests", "extend", id, "--answer", "why=more", "--answer", "long=1 year", by="bob"
    )

    assert more["extends"] == shop.data("requests", "show", id)["grant"]


def test_grants_and_drift_and_repair(shop):
    id = shop.asked()
    assert "sales.orders" in shop.run("grants", "preview", id, by="fin")
    shop.run("requests", "approve", id, "--reason", "fine", by="fin")
    shop.run("worker", "--once")
    (grant,) = shop.data("grants", "list", "--of", "bob", by="bob")["items"]
    assert grant["state"] == "active"
    shown = shop.run("grants", "show", grant["id"], by="bob")
    assert "sales.orders" in shown
    assert "[present]" in shown

    # The memory platform forgets when the process does: everything has drifted.
    drift = shop.data("grants", "drift", code=1)
    assert {each["kind"] for each in drift["findings"]} == {"missing"}
    assert "put right what is ours? [y/N]" in shop.run("grants", "repair", answer="n\n", code=1)
    assert "missing" in shop.run("grants", "repair", "--yes")
    shop.run("grants", "list", "--of", "bob", "--state", "active", code=2)


def test_what_was_there_before_is_adopted_after_a_question(shop):
    id = shop.asked()
    shop.run("requests", "approve", id, "--reason", "fine", by="fin")
    (grant,) = shop.data("grants", "list")["items"]

    said = shop.run("grants", "adopt", grant["id"], answer="y\n", code=5)

    assert "make it ours" in said
    assert "nothing of it was there before" in said


def test_products_are_withheld_closed_and_deleted_after_a_question(shop):
    assert shop.data("products", "list", "ordres")["items"][0]["id"] == "p"
    assert "Orders" in shop.run("products", "list", "--domain", "sales", "--role", "manager")
    assert "form   " in shop.run("products", "show", "p")
    assert shop.data("products", "suspend", "p", "--reason", "audit", "--yes")["suspended"]
    assert shop.run("products", "resume", "p") == "Orders: published\n"
    shop.run("products", "retire", "p", answer="n\n", code=1)
    assert shop.run("products", "retire", "p", "--yes") == "Orders: retired\n"
    assert "delete Orders? [y/N]" in shop.run("products", "delete", "p", answer="n\n", code=1)
    assert shop.data("products", "delete", "p", "--yes")["state"] == "deleted"


def test_deleting_shows_who_would_lose_what(shop):
    id = shop.asked()
    shop.run("requests", "approve", id, "--reason", "fine", by="fin")

    assert "user:bob: wanted on lake" in shop.run("products", "delete", "p", answer="n\n", code=1)
    assert "active grants: 1" in shop.run("products", "delete", "p", "--yes", code=5)


def test_what_products_are_made_of(shop):
    assert shop.data("domains", "list")["items"][0]["name"] == "sales"
    assert shop.data("domains", "show", "sales")["sources"] == ["orders"]
    assert "orders" in shop.run("domains", "show", "sales")
    assert "group stewards" in shop.run("forms", "list")
    assert "why: Why? [SHORT_ANSWER]" in shop.run("forms", "show", "std")
    assert shop.data("forms", "show", "std")["current"]["questions"][2]["kind"] == "ACCESS_DURATION"
    assert "email" in shop.run("sources", "list", "--connection", "lake")
    assert "email masked" in shop.run("sources", "show", "orders")
    assert shop.data("sources", "show", "orders")["object"] == "sales.orders"
    assert "nothing new" in shop.run("sources", "discover", "lake")
    assert shop.run("sources", "list", "--tag", "none") == "nothing\n"


def test_people_are_kept_and_leave(shop):
    added = shop.data(
        "people",
        "add",
        "ann",
        "--group",
        "stewards",
        "--principal",
        "lake=ann",
        "--permission",
        "X",
    )
    assert added["principals"] == {"lake": "ann"}
    assert "ann" in shop.run("people", "list")
    assert shop.run("people", "show", "ann").startswith("id           ann\n")
    assert "take everything from ann? [y/N]" in shop.run(
        "people", "deactivate", "ann", answer="n\n", code=1
    )
    assert not shop.data("people", "deactivate", "ann", "--yes")["active"]
    assert shop.data("people", "reactivate", "ann")["active"]


def test_the_first_person_may_have_said_who_they_are_before(shop, tmp_path):
    """As with MARKETPLACE_BY in a profile; later nobody adds themselves."""
    shop.file.write_text(f"storage = 'sqlite:///{tmp_path}/new.db'", encoding="utf-8")
    me = ("people", "add", "me", "--permission", "USER_ADMIN")

    assert shop.data(*me, by="me")["permissions"] == ["USER_ADMIN"]

    said = shop.run("people", "add", "you", "--permission", "USER_ADMIN", by="you", code=4)
    assert "there are people already" in said
    assert "cannot act as you: unknown or inactive" in shop.run("inbox", "list", by="you", code=4)


def test_what_is_known_of_a_person_is_replaced(shop):
    """Option by option; an empty one clears."""
    shop.run("people", "add", "ann", "--group", "stewards", "--permission", "X")

    changed = shop.data("people", "update", "ann", "--permission", "Y", "--permission", "Z")
    assert (changed["permissions"], changed["groups"]) == (["Y", "Z"], ["stewards"])
    assert shop.data("people", "update", "ann", "--group", "")["groups"] == []
    assert "cannot update person ann" in shop.run(
        "people", "update", "ann", "--group", "x", by="bob", code=4
    )


def test_people_and_groups_are_linked_to_who_they_are_on_a_platform(shop):
    """Whoever asks without a principal is told how, in the same words."""
    shop.run("people", "add", "ann")
    ask = ("requests", "create", "p", "--answer", "why=x", "--answer", "long=3 days")
    assert "people.link" in shop.run(*ask, by="ann", code=2)

    said = shop.run("people", "link", "ann", "lake=ANN")

    assert "lake: ANN" in said
    assert "pending" in shop.run(*ask, by="ann")
    said = shop.run("people", "link", "group:stewards", "lake=stewards")
    assert said == "group stewards: lake: stewards\n"
    assert shop.data("people", "link", "group:stewards", "lake=stewards") == {
        "group": "stewards", "principals": {"lake": "stewards"},
    }  # fmt: skip
    assert "must be KEY=VALUE" in shop.run("people", "link", "ann", "lake", code=2)
    assert "nobody says who they are" in shop.run("people", "link", "uma", "lake=u", code=4)


def test_lists_go_on_page_by_page(shop):
    first = shop.data("people", "list", "--limit", "2")
    rest = shop.data("people", "list", "--limit", "2", "--after", first["next"])
    assert [each["id"] for each in first["items"] + rest["items"]] == ["bob", "fin", "uma"]
    assert rest["next"] is None
    assert len(shop.data("people", "list", "--limit", "1", "--all")["items"]) == 3
    assert "there is more: --after " in shop.run("people", "list", "--limit", "1")
    assert "not the `next` of a page" in shop.run("people", "list", "--after", "x", code=2)


def test_each_kind_of_error_has_its_status_and_one_line(shop):
    pending = shop.asked()
    for words, by, code in (
        (["requests", "show", "nope"], "uma", 3),
        (["requests", "approve", pending, "--reason", "x"], "bob", 4),
        (["requests", "approve", pending, "--reason", ""], "fin", 2),
        (["requests", "create", "p", "--answer", "long=1 day"], "bob", 2),
        (["requests", "create", "p", "--answer", "why=x", "--answer", "long=1 day"], "bob", 5),
        (["requests", "list", "--by", ""], "uma", 4),
        (["requests", "list"], "nobody", 4),
    ):
        said = shop.run(*words, by=by, code=code)
        assert re.fullmatch(r"marketplace: cannot [^\n]+\n", said), said
    shop.file.write_text("storage = 'postgresql://localhost:1/none'\n", encoding="utf-8")
    assert "cannot" in shop.run("requests", "list", code=6)
    shop.file.write_text("[engine]\nplugin = 'steam'\n", encoding="utf-8")
    assert "steam" in shop.run("requests", "list", code=7)


def test_every_error_has_a_status():
    """A new branch of the tree of errors must be given one, or fall under its parent's."""
    for kind in MarketplaceError.__subclasses__():
        assert any(issubclass(kind, known) for known, _ in EXITS), kind


def test_an_inbox_is_listed_and_read(shop):
    """One's own: of whoever is named by --by."""
    id = shop.asked()
    with shop.open() as market:
        market.deliver()

    (told,) = shop.data("inbox", "list", by="fin")["items"]
    assert (told["kind"], told["about"]) == ("access_requested", f"request:{id}")
    assert "please decide." in shop.run("inbox", "list", by="fin")
    assert shop.run("inbox", "list", by="bob") == "nothing\n"
    assert "not found" in shop.run("inbox", "read", told["id"], by="bob", code=3)
    assert shop.run("inbox", "read", told["id"], by="fin") == "read: 1\n"
    assert shop.run("inbox", "list", "--unread", by="fin") == "nothing\n"
    assert shop.data("inbox", "read", "--all", by="fin") == {"read": 0}
    for words in ([], ["--all", told["id"]]):
        assert "name messages, or say --all" in shop.run("inbox", "read", *words, code=2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["produkts"], "Did you mean products?"),
        (["products", "lst"], "Did you mean list?"),
        (["products", "search"], "There are delete, list, resume,"),
        (["requests", "list", "--stat", "pending"], "--state"),
        (["requests", "list", "--state", "pendin"], "pending"),
        (["requests", "approve", "x", "--reason", "y", "--until", "soon"], "30 days"),
        (["requests", "create", "p", "--answer", "why"], "KEY=VALUE"),
        (["requests", "list", "--for", "group:"], "must not be empty"),
        (["requests", "list", "--limit", "0"], "1<=x<=1000"),
    ],
)
def test_wrong_usage_says_what_would_be_right(shop, words, told):
    assert told in shop.run(*words, code=2)


def test_what_people_wrote_cannot_act_on_a_terminal(shop):
    with shop.open() as market:
        market.products.update("p", description="\x1b[31mred\x07 [bold]x[/]", by="uma")

    said = shop.run("products", "show", "p")

    assert "\x1b" not in said
    assert "[bold]x[/]" in said
    assert clean("a\nb\x1b\u202e") == "a\nb\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert "\\u001b[31mred" in shop.run("products", "show", "p", "--json")


def test_init_writes_a_file_that_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner(env={"MARKETPLACE_BY": ""})

    said = runner.invoke(app, ["init", "--yes"], catch_exceptions=False).output

    (next_step,) = re.findall(r"^  marketplace (people add .*)$", said, re.MULTILINE)
    words = next_step.replace("YOUR-NAME", "uma").split()
    assert runner.invoke(app, words, catch_exceptions=False).exit_code == 0
    assert runner.invoke(app, ["config", "check"]).exit_code == 0
    again = runner.invoke(app, ["init", "--yes"])
    assert (again.exit_code, "exists" in again.output) == (5, True)


def test_init_says_that_the_memory_platform_forgets(tmp_path):
    """Whoever tries the commands one by one would take it for drift."""
    path = tmp_path / "m.toml"
    CliRunner().invoke(app, ["init", "--yes", "--config", str(path)], catch_exceptions=False)

    text = path.read_text(encoding="utf-8")
    assert "forgets it when it ends" in text
    assert tomllib.loads(text)["connections"]["lake"]["plugin"] == "memory"


def test_init_asks_what_it_is_not_told(tmp_path):
    path = tmp_path / "m.toml"
    words = ["init", "--config", str(path), "--storage", "memory", "--setting", "native_expiry=x"]

    done = CliRunner().invoke(app, words, input='my "lake"\nmemory\nsales.*\n')

    assert done.exit_code == 0, done.output
    assert '[connections."my \\"lake\\""]' in path.read_text(encoding="utf-8")


def test_init_writes_no_secret_and_no_unknown_plugin(tmp_path):
    path = tmp_path / "m.toml"
    base = ["init", "--yes", "--config", str(path)]

    secret = CliRunner().invoke(app, [*base, "--setting", "password=hush"])
    unknown = CliRunner().invoke(app, [*base, "--platform", "steam"])

    assert (secret.exit_code, "hush" in secret.output) == (2, False)
    assert unknown.exit_code == 7
    assert not path.exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_completion(shell):
    said = CliRunner().invoke(app, ["completion", shell]).output

    assert "_MARKETPLACE_COMPLETE" in said


def test_completion_knows_commands_and_options():
    env = {"COMP_WORDS": "marketplace requests li", "COMP_CWORD": "2",
           "_MARKETPLACE_COMPLETE": "bash_complete"}  # fmt: skip
    done = CliRunner().invoke(app, [], env=env, prog_name="marketplace")

    assert done.output.strip() == "plain,list"


def commands(group, *path):
    """Every command with the words that lead to it."""
    context = click.Context(group)
    for name in group.list_commands(context) if not path else group.commands:
        command = OWN_COMMANDS[name] if not path else group.commands[name]
        if command is None:
            continue
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


OWN_COMMANDS = {name: app.get_command(click.Context(app), name) if name in OWN else None
                for name in app.list_commands(click.Context(app))}  # fmt: skip


def test_the_list_of_commands_says_what_the_commands_say():
    """``marketplace --help`` imports no command, so the line of each is written down twice."""
    for name, (_, line) in OWN.items():
        assert OWN_COMMANDS[name].name == name
        assert line.endswith(".")


def test_whatever_prints_facts_can_print_json():
    """Only what prints a file, a script or nothing but one word does without."""
    without = {" ".join(path) for path, command in commands(app)
               if not any(option.name == "as_json" for option in command.params)}  # fmt: skip

    assert without == {
        "audit export", "campaigns report", "audit seals", "completion", "config check", "config schema", "init",
        "install", "new-plugin provisioner", "uninstall",
    }  # fmt: skip


def test_every_option_is_explained():
    silent = {
        f"{' '.join(path)} {option.opts[0]}"
        for path, command in commands(app)
        for option in command.params
        if isinstance(option, click.Option) and not option.help
        if not isinstance(option.type, click.Choice) and option.opts[0] != "--output"
    }

    assert silent == set()


def test_help_lists_what_is_built_in_and_what_plugins_add():
    said = CliRunner().invoke(app, ["--help"]).output

    assert re.search(r"^  demo +Plays", said, re.MULTILINE)
    assert all(re.search(rf"^  {name} +", said, re.MULTILINE) for name in OWN)


def test_json_is_json_for_every_list(shop):
    for words in (["products", "list"], ["requests", "list"], ["grants", "list"], ["forms", "list"],
                  ["domains", "list"], ["sources", "list"], ["people", "list"]):  # fmt: skip
        assert set(json.loads(shop.run(*words, "--json"))) == {"items", "next"}


def test_a_campaign_from_the_start_to_the_report(shop):
    """Each answer counts by itself; what takes access away asks first."""
    grants = []
    for _ in range(2):
        id = shop.asked()
        shop.run("requests", "approve", id, "--reason", "fine", by="fin")
        grants.append(shop.data("requests", "show", id)["grant"])
        if len(grants) == 1:
            shop.run("requests", "revoke", id, "--reason", "again", "--yes", by="fin")
    start = ("campaigns", "start", "Review", "--deadline", "30 days", "--silence", "keep")
    campaign = shop.data(*start, "--domain", "sales")["id"]
    shop.run(*start, code=2)
    shop.run(*start, "--domain", "sales", by="bob", code=4)
    shop.run("worker", "--once")

    assert "Review" in shop.run("campaigns", "list", "--state", "open", by="fin")
    assert re.search(r"about +sales\n", shop.run("campaigns", "show", campaign, by="fin"))
    assert shop.run("campaigns", "progress", campaign).startswith("1 items: 1 open")
    (item,) = shop.data("campaigns", "items", campaign, "--mine", by="fin")["items"]
    assert item["grant"] == grants[1]
    assert shop.data("campaigns", "items", campaign, "--mine")["items"] == []
    refuse = ("campaigns", "refuse", item["id"], "--reason", "gone")
    said = shop.run(*refuse, by="fin", answer="n\n", code=1)
    assert "revoke the access of 1 items? [y/N]" in said
    shop.run(*refuse, "--yes", by="bob", code=3)
    said = shop.run(
        "campaigns", "certify", grants[1], "nothing", "--reason", "needed", by="fin", code=3
    )
    assert f"{item['id']}: certified\n" in said, "what came before the failure is done, and told"
    shop.run(*refuse, "--yes", by="fin", code=5)
    (line,) = shop.run("campaigns", "report", campaign).splitlines()
    assert json.loads(line)["reason"] == "needed"
    assert shop.run("campaigns", "report", campaign, "--format", "csv").count("\n") == 2

    assert shop.data("campaigns", "close", campaign, "--reason", "done")["state"] == "closed"
    shop.run("campaigns", "cancel", campaign, "--reason", "late", code=5)
