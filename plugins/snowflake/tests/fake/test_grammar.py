"""The grammar is closed: what it does not know it refuses, whole.

The templates below are the syntax of the documentation, written down a second time; a changed
statement that the parser still takes must be one of them.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marketplace_sdk_snowflake.testing.cursor import RESERVED
from marketplace_sdk_snowflake.testing.parsing import parse
from marketplace_sdk_snowflake.testing.refusals import Refused
from marketplace_sdk_snowflake.testing.tokens import tokenize

TEMPLATES = """
CREATE [OR REPLACE ] ROLE <id>[ COMMENT = 's']
CREATE ROLE IF NOT EXISTS <id>[ COMMENT = 's']
CREATE [OR REPLACE ] DATABASE ROLE <id2>[ COMMENT = 's']
CREATE DATABASE ROLE IF NOT EXISTS <id2>[ COMMENT = 's']
CREATE {DATABASE|USER} [IF NOT EXISTS ]<id>[ COMMENT = 's']
CREATE SCHEMA [IF NOT EXISTS ]<id2>[ WITH MANAGED ACCESS][ COMMENT = 's']
CREATE TAG [IF NOT EXISTS ]<id3>[ COMMENT = 's']
DROP {DATABASE|ROLE|USER} [IF EXISTS ]<id>
DROP {DATABASE ROLE|SCHEMA} [IF EXISTS ]<id2>
DROP {<relation>|MASKING POLICY|TAG} [IF EXISTS ]<id3>
GRANT ROLE <id> TO ROLE <id>[ WITH GRANT OPTION]
GRANT ROLE <id> TO USER <id>
GRANT DATABASE ROLE <id2> TO ROLE <id>[ WITH GRANT OPTION]
GRANT DATABASE ROLE <id2> TO DATABASE ROLE <id2>[ WITH GRANT OPTION]
GRANT DATABASE ROLE <id2> TO USER <id>
REVOKE [GRANT OPTION FOR ]ROLE <id> FROM ROLE <id>[ {RESTRICT|CASCADE}]
REVOKE ROLE <id> FROM USER <id>
REVOKE [GRANT OPTION FOR ]DATABASE ROLE <id2> FROM ROLE <id>[ {RESTRICT|CASCADE}]
REVOKE [GRANT OPTION FOR ]DATABASE ROLE <id2> FROM DATABASE ROLE <id2>[ {RESTRICT|CASCADE}]
REVOKE DATABASE ROLE <id2> FROM USER <id>
GRANT <privileges> ON <object> TO [ROLE ]<id>[ WITH GRANT OPTION]
GRANT <privileges> ON <object> TO USER <id>
GRANT <privileges> ON <object> TO DATABASE ROLE <id2>
REVOKE [GRANT OPTION FOR ]<privileges> ON <object> FROM [{ROLE|USER} ]<id>[ {RESTRICT|CASCADE}]
REVOKE [GRANT OPTION FOR ]<privileges> ON <object> FROM DATABASE ROLE <id2>[ {RESTRICT|CASCADE}]
GRANT OWNERSHIP ON {<object>|ROLE <id>|DATABASE ROLE <id2>} TO {ROLE <id>|DATABASE ROLE <id2>}[ {COPY|REVOKE} CURRENT GRANTS]
GRANT INHERITED <privileges> ON ALL <plural> IN <place> TO {ROLE <id>|DATABASE ROLE <id2>}
REVOKE INHERITED <privileges> ON ALL <plural> IN <place> FROM {ROLE <id>|DATABASE ROLE <id2>}
SHOW GRANTS[ LIMIT 0]
SHOW GRANTS TO {{ROLE|USER} <id>|DATABASE ROLE <id2>}[ INCLUDE HIERARCHY][ LIMIT 0]
SHOW GRANTS OF {ROLE <id>|DATABASE ROLE <id2>}[ LIMIT 0]
SHOW GRANTS ON {<object>|{ROLE|USER} <id>|DATABASE ROLE <id2>}[ LIMIT 0]
SHOW [TERSE ]{ROLES|USERS|DATABASES|WAREHOUSES}[ LIKE 's'][ STARTS WITH 's'][ LIMIT 0[ FROM 's']]
SHOW [TERSE ]DATABASE ROLES[ LIKE 's'] IN DATABASE <id>[ STARTS WITH 's'][ LIMIT 0[ FROM 's']]
SHOW [TERSE ]{SCHEMAS|OBJECTS|VIEWS|<tables>|MASKING POLICIES|TAGS}[ LIKE 's'][ IN <place>][ STARTS WITH 's'][ LIMIT 0[ FROM 's']]
SHOW [TERSE ]COLUMNS[ LIKE 's'][ IN {<place>|{TABLE|VIEW} <id3>}][ STARTS WITH 's']
SHOW [TERSE ]PARAMETERS[ LIKE 's'][ IN {ACCOUNT|SESSION}][ STARTS WITH 's']
{DESCRIBE|DESC} {<relation>|MASKING POLICY} <id3>
{DESCRIBE|DESC} USER <id>
ALTER <relation> <id3> {MODIFY|ALTER} [COLUMN ]<id> SET MASKING POLICY <id3>[ USING <list>][ FORCE]
ALTER <relation> <id3> {MODIFY|ALTER} [COLUMN ]<id> UNSET MASKING POLICY
ALTER <relation> <id3> [{MODIFY|ALTER} [COLUMN ]<id> ]SET TAG <id3> = 's'
ALTER <relation> <id3> [{MODIFY|ALTER} [COLUMN ]<id> ]UNSET TAG <id3>
ALTER {DATABASE|SCHEMA} <id2> SET TAG <id3> = 's'
ALTER TAG <id3> SET MASKING POLICY <id3>[ FORCE]
ALTER TAG <id3> UNSET MASKING POLICY <id3>
ALTER {ROLE|DATABASE ROLE} [IF EXISTS ]<id2> SET COMMENT = 's'
ALTER {USER|DATABASE|SCHEMA|MASKING POLICY|<relation>} <id3> SET COMMENT = 's'
COMMENT [IF EXISTS ]ON {ROLE|DATABASE ROLE|USER|DATABASE|SCHEMA|MASKING POLICY|TAG|<relation>} <id3> IS 's'
USE {ROLE|DATABASE|WAREHOUSE} <id>
USE SCHEMA <id2>
USE SECONDARY ROLES {ALL|NONE}
BEGIN[ {TRANSACTION|WORK}]
{COMMIT|ROLLBACK}[ WORK]
"""
NAME = f'(?:(?!(?:{"|".join(RESERVED)}) )[A-Z_][A-Z0-9_]* |"n" )'
TABLES = "DYNAMIC TABLE|EXTERNAL TABLE|ICEBERG TABLE|EVENT TABLE|MATERIALIZED VIEW"
PARTS = {
    "<object>": "{ACCOUNT|{DATABASE|WAREHOUSE|USER} <id>|SCHEMA <id2>"
    "|{<relation>|MASKING POLICY|TAG} <id3>}",
    "<place>": "{ACCOUNT|DATABASE <id>|SCHEMA <id2>}",
    "<plural>": "{<tables>|VIEWS|SCHEMAS}",
    "<tables>": "{TABLES|" + TABLES.replace("|", "S|") + "S}",
    "<relation>": "{TABLE|VIEW|" + TABLES + "}",
}
LEAVES = {
    "<id>": NAME,
    "<id2>": f"{NAME}(?:\\. {NAME})?",
    "<id3>": f"{NAME}(?:\\. {NAME}){{0,2}}",
    "<list>": f"\\( {NAME}(?:, {NAME})*\\) ",
    "<privileges>": "(?:[A-Z_]+ )+(?:, (?:[A-Z_]+ )+)*",
}
SIGNS = {"[": "(?:", "]": ")?", "{": "(?:", "}": ")", "|": "|"}


def expression(template):
    """A template as a regular expression over shapes."""
    for part, meaning in PARTS.items():
        template = template.replace(part, meaning)
    tokens = re.findall(r"<\w+>|[A-Z_]+|'s'|\S", template)
    return "".join(SIGNS.get(one) or LEAVES.get(one) or f"{one} " for one in tokens)


SEEDS = """
CREATE ROLE IF NOT EXISTS "R" COMMENT = 'x'
CREATE OR REPLACE DATABASE ROLE "D"."R" COMMENT = 'x'
CREATE SCHEMA "D"."S" WITH MANAGED ACCESS
DROP DATABASE ROLE IF EXISTS "D"."R"
DROP MASKING POLICY "D"."S"."P"
GRANT ROLE "R" TO USER "U"
GRANT ROLE "R" TO ROLE "S" WITH GRANT OPTION
GRANT DATABASE ROLE "D"."R" TO DATABASE ROLE "D"."S"
REVOKE ROLE "R" FROM USER "U"
REVOKE GRANT OPTION FOR ROLE "R" FROM ROLE "S" CASCADE
GRANT USAGE ON DATABASE "D" TO ROLE "R" WITH GRANT OPTION
GRANT USAGE, MONITOR ON SCHEMA "D"."S" TO DATABASE ROLE "D"."R"
GRANT SELECT ON DYNAMIC TABLE "D"."S"."T" TO USER "U"
GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "R"
GRANT OWNERSHIP ON ROLE "R" TO ROLE "S" COPY CURRENT GRANTS
REVOKE GRANT OPTION FOR SELECT ON TABLE "D"."S"."T" FROM ROLE "R" CASCADE
GRANT INHERITED SELECT ON ALL TABLES IN SCHEMA "D"."S" TO ROLE "R"
SHOW GRANTS TO ROLE "R" INCLUDE HIERARCHY
SHOW GRANTS OF DATABASE ROLE "D"."R"
SHOW GRANTS ON TABLE "D"."S"."T" LIMIT 5
SHOW ROLES LIKE 'x' STARTS WITH 'y' LIMIT 10 FROM 'z'
SHOW OBJECTS LIKE 'x' IN SCHEMA "D"."S" LIMIT 10
SHOW DATABASE ROLES IN DATABASE "D"
SHOW COLUMNS IN TABLE "D"."S"."T"
DESCRIBE MASKING POLICY "D"."S"."P"
ALTER TABLE "D"."S"."T" MODIFY COLUMN "C" SET MASKING POLICY "D"."S"."P" USING ("C", "E") FORCE
ALTER VIEW "D"."S"."T" MODIFY COLUMN "C" UNSET MASKING POLICY
ALTER TAG "D"."S"."G" SET MASKING POLICY "D"."S"."P"
ALTER ROLE "R" SET COMMENT = 'x'
COMMENT ON ROLE "R" IS 'x'
USE SECONDARY ROLES NONE
BEGIN TRANSACTION
""".strip().splitlines()

WIDER = (
    """
CREATE TABLE IF NOT EXISTS "D"."S"."T" ("A" VARCHAR NOT NULL, "B" TIMESTAMP_TZ, "C" NUMBER(10,2))
CREATE OR REPLACE TABLE "D"."S"."T" (A INT, B STRING NOT NULL WITH MASKING POLICY P USING (B, A)) COPY GRANTS COMMENT = 'x'
CREATE SECURE VIEW "D"."S"."V" AS SELECT A, B AS "C" FROM "D"."S"."T"
CREATE MASKING POLICY IF NOT EXISTS "D"."S"."P" AS (val VARCHAR) RETURNS VARCHAR -> CASE WHEN IS_ROLE_IN_SESSION('R') THEN val ELSE '*' END COMMENT = 'x'
ALTER MASKING POLICY "D"."S"."P" SET BODY -> CASE WHEN SYS_CONTEXT('A','B')::BOOLEAN THEN '*' ELSE val END
ALTER SESSION SET QUERY_TAG = 'x', TIMEZONE = 'UTC'
ALTER SESSION UNSET QUERY_TAG
SELECT CURRENT_ACCOUNT(), CURRENT_ROLE() AS r
SELECT * FROM TABLE("D".INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => 'D.S.P')) WHERE A = 1
INSERT INTO "D"."S"."T" (A, B) VALUES (1, 'x'), (?, NULL)
UPDATE "D"."S"."T" SET A = 1 WHERE B IN (1, 2) AND NOT C IS NULL
DELETE FROM "D"."S"."T" WHERE A LIKE 'x%' OR B <> 1
MERGE INTO "D"."S"."T" t USING (SELECT ? AS a, ? AS b) n ON t.A = n.a WHEN MATCHED THEN UPDATE SET B = n.b WHEN NOT MATCHED THEN INSERT (A, B) VALUES (n.a, n.b)
""".strip().splitlines()
    + SEEDS
)

POOL = re.split(
    r"\s+",
    """
    GRANT REVOKE ROLE USER DATABASE SCHEMA TABLE VIEW ON TO FROM OF IN WITH OPTION FOR ALL FUTURE
    SELECT USAGE OWNERSHIP MANAGE GRANTS ACCOUNT PUBLIC IF NOT EXISTS OR REPLACE FORCE UNSET SET
    CASCADE LIMIT LIKE COMMENT , . ( ) = ; ? 'x' 7 "Q" -> =>
    """.strip(),
)


def shape(text):
    """A statement as words with one space behind each; names, strings and numbers by one sign."""
    signs = {"name": '"n"', "string": "'s'", "number": "0"}
    tokens = tokenize(text)[:-1]
    if tokens and tokens[-1].value == ";":
        tokens.pop()
    return "".join(f"{signs.get(token.kind, token.value)} " for token in tokens)


SYNTAX = [re.compile(expression(line)) for line in TEMPLATES.strip().splitlines()]


def documented(text):
    """Whether a statement is one of the templates."""
    return any(one.fullmatch(shape(text)) for one in SYNTAX)


@pytest.mark.parametrize("statement", SEEDS)
def test_the_templates_know_what_we_start_from(statement):
    assert documented(statement)


@pytest.mark.parametrize("statement", WIDER)
def test_statements_of_the_grammar_are_taken(statement):
    found = parse(statement)
    assert parse(f"{statement} ;") == found
    parse(re.sub(r"\s+", "\n\t", statement))


def pieces(statement):
    return [statement[token.start : token.end] for token in tokenize(statement)[:-1]]


@st.composite
def changed(draw, seeds):
    """A statement with one to three of its tokens left out, doubled, swapped or replaced."""
    tokens = pieces(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 3))):
        if not tokens:
            break
        at = draw(st.integers(0, len(tokens) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[at])
            case 2:
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 3:
                tokens[at] = draw(st.sampled_from(POOL))
            case _:
                tokens.insert(at, draw(st.sampled_from(POOL)))
    return " ".join(tokens)


def refused(text):
    """Whether a text is refused, and it must be for being no statement or more than one."""
    try:
        parse(text)
    except Refused as error:
        if (error.errno, error.sqlstate) in {(1003, "42000"), (8, "0A000")}:
            return True
        raise
    return False


@settings(max_examples=800, deadline=None)
@given(changed(SEEDS))
@example("GRANT ROLE TO TO USER TO")
@example('REVOKE ROLE "A" FROM USER')
@example('GRANT SELECT ON FUTURE TABLES IN SCHEMA "D"."S" TO ROLE "R"')
@example('GRANT SELCT ON TABLE "T" TO ROLE "R"')
@example('GRANT SELECT ON SCHEMA "D"."S" TO ROLE "R"')
def test_a_changed_statement_is_taken_only_if_the_documentation_has_it(text):
    query = text.startswith("SELECT ")  # BEGIN TRANSACTION may become one; they have no template
    assert query or refused(text) or documented(text)


@settings(max_examples=300, deadline=None)
@given(st.one_of(changed(WIDER), st.text(), st.text(alphabet="'\"$\\;-/*(). \nab1")))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    refused(text)


@given(st.sampled_from(SEEDS), st.sampled_from(SEEDS))
def test_two_statements_are_refused_whatever_they_are(first, second):
    with pytest.raises(Refused) as caught:
        parse(f"{first}; {second}")
    assert caught.value.errno == 8


@given(st.text(min_size=1))
def test_a_quoted_name_comes_through_as_it_is(name):
    quoted = '"' + name.replace('"', '""') + '"'
    statement, _ = parse(f"DROP ROLE {quoted}")
    assert statement.target.name == (name,)


@given(st.text())
def test_a_string_comes_through_as_it_is(text):
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    statement, _ = parse(f"CREATE ROLE R COMMENT = {quoted}")
    assert statement.comment == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ";",
        "SELECT",
        "EXECUTE IMMEDIATE $$BEGIN DROP ROLE R; END$$",
        "CALL P()",
        "GRANT ALL ON ACCOUNT TO SHARE S",
        "GRANT SELECT ON ALL TABLES IN SCHEMA S TO ROLE R",
        "CREATE WAREHOUSE W",
        "SELECT SYSTEM$WAIT(1)",
        "SELECT A, B FROM T JOIN U",
        "TRUNCATE TABLE T",
        "ALTER ACCOUNT SET X = 1",
        "GRANT USAGE ON ACCOUNT TO ROLE R",
        "GRANT OWNERSHIP ON ACCOUNT TO ROLE R",
        "GRANT SELECT, SELECT ON TABLE T TO ROLE R",
        "GRANT ALL, SELECT ON TABLE T TO ROLE R",
        "REVOKE OWNERSHIP ON TABLE T FROM ROLE R",
        "GRANT ROLE R TO USER U WITH GRANT OPTION",
        "GRANT ROLE R TO DATABASE ROLE D.R",
        "SHOW DATABASE ROLES",
        "INSERT INTO T (A, B) VALUES (1)",
        "MERGE INTO T USING (SELECT 1 AS A) N ON T.A = N.A",
        'DROP ROLE ""',
    ],
)
def test_what_is_not_in_the_grammar_is_refused(text):
    with pytest.raises(Refused) as caught:
        parse(text)
    assert caught.value.errno == 1003


def test_force_and_unset_are_understood_so_that_a_test_can_notice_them():
    statement, _ = parse("ALTER TABLE T MODIFY COLUMN C SET MASKING POLICY P FORCE")
    assert statement.force
    statement, _ = parse("ALTER TABLE T MODIFY COLUMN C UNSET MASKING POLICY")
    assert statement.policy is None


def test_a_comment_is_white_space():
    assert parse("DROP /* not */ ROLE -- yet\n R")[0] == parse("DROP ROLE R")[0]


def test_a_refusal_says_where():
    with pytest.raises(Refused, match=r"line 2 at position 6 unexpected 'FROM'"):
        parse("GRANT ROLE R\nTO    FROM")
