"""Files of declarations: what was written is read back, and what is wrong is told with its line."""

from __future__ import annotations

import tempfile
from inspect import cleandoc
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketplace_sdk import (
    Column,
    DataProduct,
    DataSource,
    DataUseAgreement,
    Declaration,
    Domain,
    Duration,
    InvalidInput,
    RequestForm,
    Stage,
    TagRule,
    group,
    permission,
    read_declarations,
    write_declarations,
)
from marketplace_sdk.domain.selectors import DOMAIN_PERMISSIONS
from marketplace_sdk.wire.declarations import FIELDS, declared_of
from marketplace_sdk.wire.flows import read_flow, read_stage, write_flow, write_stage
from marketplace_sdk.wire.reading import At
from tests.wire.strategies import CONDITIONS, FLOWS, NAMES, STAGES, VALUES

KINDS = (DataProduct, DataSource, DataUseAgreement, Domain, RequestForm)


HELD = st.frozensets(
    st.tuples(
        st.sampled_from(DOMAIN_PERMISSIONS),
        st.one_of(NAMES.map(lambda name: f"user:{name}"), NAMES.map(lambda name: f"group:{name}")),
    ),
    max_size=4,
)


@st.composite
def declarations(draw):
    """Up to three things as declarations, such as the services would keep."""
    found = {}
    for _ in range(3):
        value = draw(VALUES[draw(st.sampled_from(KINDS))])
        if isinstance(value, Domain):
            value = evolve(value, permissions=draw(HELD))
        if isinstance(value, RequestForm):
            questions = {each.key: each for each in value.current.questions}.values()
            value = evolve(value, current=evolve(value.current, questions=tuple(questions)))
        declared = declared_of(value)
        found[declared.kind, declared.id] = declared
    return list(found.values())


def read(text):
    """What a file of this text declares, by kind and id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.yaml"
        path.write_text(text, encoding="utf-8")
        return {(each.kind, each.id): each for each in read_declarations(path)}


def wrong(text):
    """What is told of such a file, without the folder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(InvalidInput) as caught:
            read_declarations(path)
        return [str(each).replace(f"{folder}/", "") for each in caught.value.problems]


def whole(declaration):
    """With every field of its kind: what is left out in a file of a new thing is empty."""
    empty = {name: each.empty for name, each in FIELDS[declaration.kind].items()}
    return evolve(declaration, fields={**empty, **declaration.fields})


@settings(max_examples=150, deadline=None)
@given(declarations())
@example([Declaration(kind="agreement", id="a", fields={"name": "n", "body": "x\x85"})])
@example([Declaration(kind="agreement", id="a", fields={"name": "n", "body": "a\r\n \u2028b\n"})])
def test_whatever_can_be_declared_is_read_as_it_was_written(wanted):
    """Names in any script, quotes, line ends, words that YAML takes for numbers: all comes back."""
    found = read(write_declarations(wanted))

    assert {key: whole(each) for key, each in found.items()} == {
        (each.kind, each.id): each for each in wanted
    }


@given(STAGES)
def test_the_shortest_way_to_write_a_stage_says_the_same(stage):
    assert read_stage(At(write_stage(stage))) == stage


@given(FLOWS)
def test_a_flow_is_read_as_it_was_written(flow):
    assert read_flow(At(write_flow(flow))) == flow


@given(CONDITIONS)
def test_a_condition_is_plain_data_of_one_key(condition):
    """Nothing in a file is ever run: a condition is a word that is looked up in a list."""
    from marketplace_sdk.wire.flows import _when, _write_when

    data = _write_when(condition)

    assert set(data) - {"equals", "contains"} <= {
        "all", "any", "not", "requester", "beneficiary", "kind", "domain", "product", "tagged",
        "answer", "wish",
    }  # fmt: skip
    assert _when(At(data)) == condition


def test_stages_are_written_as_people_say_them():
    legal, gov = group("Legal"), permission("GOVERNANCE")

    assert write_stage(Stage.any_of(legal, gov)) == {
        "any_of": [{"group": "Legal"}, {"permission": "GOVERNANCE"}]
    }
    assert write_stage(Stage.all_of(legal, gov, distinct_stewards=True)) == {
        "all_of": [{"group": "Legal"}, {"permission": "GOVERNANCE"}],
        "distinct_stewards": True,
    }


def test_what_stands_in_a_file_is_what_code_would_say():
    found = read(
        cleandoc("""
        sources:
          orders:
            connection: lake
            object: sales.orders
            tags: [Finance]
            columns: {id: , email: {masked: true, type: text, tags: [Pii, {name: Auto, origin: lake}]}}
        domains:
          sales:
            tags: [Finance, {tag: Pii, origins: [lake, manual]}]
            permissions: {MANAGE_DATA_PRODUCTS: [dee, {group: sales}]}
            policy: {max_duration: 90 days, widening: ask}
        ---
        products:
          p: {max_duration: 1 month, description: null}
        """)
    )

    source = found["source", "orders"].fields
    assert [column.name for column in source["columns"]] == ["id", "email"]
    assert source["columns"][0] == Column("id")
    assert {str(tag.name) for tag in source["columns"][1].tags} == {"Pii", "Auto"}
    domain = found["domain", "sales"].fields
    assert domain["tags"] == (TagRule("Finance"), TagRule("Pii", ["lake", "manual"]))
    assert domain["permissions"] == {
        ("MANAGE_DATA_PRODUCTS", "user:dee"), ("MANAGE_DATA_PRODUCTS", "group:sales"),
    }  # fmt: skip
    product = found["product", "p"]
    assert (product.fields["max_duration"], product.fields["description"]) == (
        Duration(1, "months"),
        "",
    )
    assert product.place.endswith("shop.yaml:14")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sorces: {}", "shop.yaml:1: sorces: unknown; did you mean sources?"),
        ("products:\n  p:\n    sorces: [a]",
         "shop.yaml:3: products.p.sorces: unknown; did you mean sources?"),
        ("products:\n  p: {name: A}\n  p: {name: B}", "shop.yaml:3: products.p: stands here twice"),
        ("products:\n  p:\n    name: A\n    name: B", "shop.yaml:4: products.p.name: stands here twice"),
        ("products:\n  p:\n    name: 7",
         "shop.yaml:3: products.p.name: must be text; put it in quotes"),
        ("products:\n  p:\n    name: yes",
         "shop.yaml:3: products.p.name: must be text; put it in quotes"),
        ("products:\n  p:\n    name: 2020-01-01",
         "shop.yaml:3: products.p.name: must be text; put it in quotes"),
        ("products:\n  7: {}", "shop.yaml:2: products: has a key that is no text; put it in quotes"),
        ("products:\n  p: []", "shop.yaml:2: products.p: must be a mapping"),
        ("products:\n  p:\n    max_duration: soon",
         "shop.yaml:3: products.p.max_duration: must be a whole number and one of hours, days, weeks, months, years"),
        ("products:\n  p:\n    sources: orders", "shop.yaml:3: products.p.sources: must be a list"),
        ("forms:\n  f:\n    review: {}",
         "shop.yaml:3: forms.f.review: must have exactly one of stages, approve, deny, delegate"),
        ("forms:\n  f:\n    review:\n      stages:\n      - any_of: [{grup: x}]",
         "shop.yaml:5: forms.f.review.stages.0.any_of.0.grup: unknown; did you mean group?"),
        ("forms:\n  f:\n    review:\n      stages:\n      - any_of: []",
         "shop.yaml:5: forms.f.review.stages.0: needs at least one steward selector"),
        ("forms:\n  f:\n    review:\n      rules: [{when: {tagged: ''}, deny: {reason: x}}]\n      delegate: {}",
         "shop.yaml:4: forms.f.review.rules.0.when: must not be empty"),
        ("forms:\n  f:\n    review:\n      rules: [{when: {tagged: a, equals: b}, deny: {reason: x}}]\n      delegate: {}",
         "shop.yaml:4: forms.f.review.rules.0.when.equals: unknown; known are tagged"),
        ("forms:\n  f:\n    fallback: {attribute: {a: b, c: d}}",
         "shop.yaml:3: forms.f.fallback.attribute: must be one key and its value"),
        ("forms:\n  f:\n    escalation: {after: 3 days}", "shop.yaml:3: forms.f.escalation: needs to"),
        ("forms:\n  f:\n    escalation: {to: {group: x}}",
         "shop.yaml:3: forms.f.escalation: needs after"),
        ("forms:\n  f:\n    escalation: {after: 3, to: {group: x}}",
         "shop.yaml:3: forms.f.escalation.after: must be text; put it in quotes"),
        ("forms:\n  f:\n    escalation: {after: 0 days, to: {group: x}}",
         "shop.yaml:3: forms.f.escalation.after: must be a whole number of at least 1"),
        ("forms:\n  f:\n    escalation: {after: 3 days, to: {grup: x}}",
         "shop.yaml:3: forms.f.escalation.to.grup: unknown; did you mean group?"),
        ("forms:\n  f:\n    escalation: {after: 3 days, to: {group: x}, then: deny}",
         "shop.yaml:3: forms.f.escalation.then: unknown"),
        ("forms:\n  f:\n    expire_after: soon",
         "shop.yaml:3: forms.f.expire_after: must be a whole number and one of"),
        ("forms:\n  f:\n    allow_self_review: 1",
         "shop.yaml:3: forms.f.allow_self_review: must be true or false"),
        ("forms:\n  f:\n    review:\n      stages:\n      - {any_of: [{seat: [{group: x}], approvals: many}]}",
         "shop.yaml:5: forms.f.review.stages.0.any_of.0.approvals: must be a whole number"),
        ("forms:\n  f:\n    review:\n      stages:\n      - {any_of: [{group: x}], distinct_stewards: true}",
         "shop.yaml:5: forms.f.review.stages.0: distinct_stewards goes with all_of or sets"),
        ("forms:\n  f:\n    questions:\n      a: {label: A, kind: DROPDOWN}",
         "shop.yaml:4: forms.f.questions.a: needs 1 to 1000 options"),
        ("domains:\n  d:\n    permissions: {RULE: [x]}",
         "shop.yaml:3: domains.d.permissions.RULE: unknown; known are"),
        ("domains:\n  d:\n    policy: {widening: maybe}",
         "shop.yaml:3: domains.d.policy: must be give or ask"),
        ("products: {p: {name: A}", "shop.yaml:1: is not YAML: expected ',' or '}'"),
        ("a: *nothing", "shop.yaml:1: is not YAML: found undefined alias"),
        ("a: !!python/object/apply:os.system [x]", "shop.yaml:1: a: "),
        ("products: !!python/name:os.system", "shop.yaml:1: is not YAML: could not determine"),
        (b"a: \xff", "shop.yaml: is not text in UTF-8"),
        ("- a", "must be a mapping"),
        ("p: &a\n  b: *a", "is nested too deeply"),
        ("[" * 300 + "]" * 300, "is nested too deeply"),
        ("[" * 1100, "is nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text, told):
    found = wrong(text)

    assert any(told in each for each in found), found


def test_everything_that_is_wrong_is_told_at_once():
    found = wrong("products:\n  p: {nam: A, description: 3}\nforms:\n  f: {domain: 1}")

    assert len(found) == 3


def test_a_few_lines_that_stand_for_too_much_are_refused():
    """Nine aliases of nine aliases of ...: read as a tree it would not fit anywhere."""
    lines = ["a0: &a0 [x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)
    ]

    assert any("stands for more than fits here" in each for each in wrong("\n".join(lines)))


def test_a_large_file_is_refused_before_it_is_read():
    assert "must have at most 10000000 bytes" in wrong(b"#" * 10_000_001)[0]


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidInput, match=r"none\.yaml: No such file"):
        read_declarations(tmp_path / "none.yaml")


def test_a_folder_is_read_whole_and_only_its_yaml(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.yml").write_text("products: {b: {}}")
    (tmp_path / "a.yaml").write_text("products: {a: {}}\nforms:")
    (tmp_path / "notes.txt").write_text("products: {c: {}}")

    assert [each.id for each in read_declarations(tmp_path)] == ["a", "b"]


def test_a_file_for_each_kind_is_written(tmp_path):
    declared = [Declaration(kind="product", id="p"), Declaration(kind="form", id="f")]

    write_declarations(declared, tmp_path / "out")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "forms.yaml",
        "products.yaml",
    ]
    (tmp_path / "taken").touch()
    with pytest.raises(InvalidInput, match="cannot write declarations"):
        write_declarations(declared, tmp_path / "taken")
