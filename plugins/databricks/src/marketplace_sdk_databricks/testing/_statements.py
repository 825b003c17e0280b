"""The statements of SQL that the fake carries out; any other fails with a syntax error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from marketplace_sdk_databricks.testing import _information_schema
from marketplace_sdk_databricks.testing._evaluator import scope
from marketplace_sdk_databricks.testing._expressions import Query, Scope, as_type
from marketplace_sdk_databricks.testing._parser import Parser
from marketplace_sdk_databricks.testing._refusals import Refusal
from marketplace_sdk_databricks.testing._rights import (
    demand_execute,
    demand_manage,
    holds,
    without_use,
)
from marketplace_sdk_databricks.testing._tables import TableStatements
from marketplace_sdk_databricks.testing._tokens import SqlError
from marketplace_sdk_databricks.testing._values import Column, Mask, Principal, Securable
from marketplace_sdk_databricks.testing._world import World

_NOT_MASKED = {"VIEW", "MATERIALIZED_VIEW", "METRIC_VIEW", "FOREIGN"}


@attrs.frozen
class Result:
    """What a statement gave: names of columns, and rows of texts."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


def run(world: World, caller: Principal, statement: str, parameters: Mapping[str, Any]) -> Result:
    """Carry out one statement as somebody.

    Raises:
        SqlError: it fails, and nothing is changed.
    """
    try:
        return _Statement(world, caller, Parser(statement, parameters)).run()
    except Refusal as refusal:
        raise SqlError(_CONDITIONS.get(refusal.code, refusal.code), refusal.message) from None


_CONDITIONS = {
    "PERMISSION_DENIED": "INSUFFICIENT_PERMISSIONS",
    "TABLE_DOES_NOT_EXIST": "TABLE_OR_VIEW_NOT_FOUND",
    "SCHEMA_DOES_NOT_EXIST": "SCHEMA_NOT_FOUND",
    "CATALOG_DOES_NOT_EXIST": "CATALOG_NOT_FOUND",
    "FUNCTION_DOES_NOT_EXIST": "ROUTINE_NOT_FOUND",
}


@attrs.frozen
class _Statement:
    world: World
    caller: Principal
    parser: Parser

    def run(self) -> Result:
        forms: dict[tuple[str, ...], Callable[[], Result]] = {
            ("SELECT",): self._select,
            ("CREATE", "OR", "REPLACE", "FUNCTION"): lambda: self._create_function(replace=True),
            ("CREATE", "FUNCTION"): lambda: self._create_function(replace=False),
            ("DROP", "FUNCTION"): lambda: self._drop("function"),
            ("DROP", "TABLE"): lambda: self._drop("table"),
            ("CREATE", "SCHEMA"): self._create_schema,
            ("ALTER", "TABLE"): self._alter_table,
        }
        for words, form in forms.items():
            if self.parser.word(*words):
                return form()
        return Result(*TableStatements(self.world, self.caller, self.parser).run())

    def _optional(self, *words: str) -> bool:
        return self.parser.word("IF", *words)

    def _place(self, type: str, name: str) -> Securable | None:
        """The object of this name, whose container is there and open to the caller."""
        parts = name.lower().split(".")
        above = self.world.get("schema" if type != "schema" else "catalog", ".".join(parts[:-1]))
        need = f"CREATE_{type.upper()}"
        found = self.world.find(type, name)
        if found is None:
            closed = without_use(self.world, self.caller, above)
            if closed or not holds(self.world, self.caller, above, need):
                words = need.replace("_", " ")
                raise SqlError(
                    "INSUFFICIENT_PERMISSIONS",
                    closed or f"User does not have {words} on {above.type} '{above.name}'.",
                )
        return found

    def _add(self, type: str, name: str, **rest: Any) -> None:
        now = self.world.now()
        made = Securable(self.world.new_id(), type, name.lower(), self.caller.id, now, now, **rest)
        self.world.add(made)

    def _comment(self) -> str | None:
        return self.parser.text() if self.parser.word("COMMENT") else None

    def _create_schema(self) -> Result:
        quiet = self._optional("NOT", "EXISTS")
        name, comment = self.parser.name(), self._comment()
        self.parser.end()
        if self._place("schema", name):
            if not quiet:
                raise SqlError("SCHEMA_ALREADY_EXISTS", f"Schema {name} already exists.")
        else:
            self._add("schema", name, comment=comment)
        return Result()

    def _create_function(self, *, replace: bool) -> Result:
        read = self.parser
        quiet = self._optional("NOT", "EXISTS")
        name = read.name()
        parameters = dict(read.listed(lambda: (read.identifier(), read.type())))
        read.expect("RETURNS")
        returns = read.type()
        comment = self._comment()
        read.word("LANGUAGE", "SQL")
        read.expect("RETURN")
        start = read.next.start
        read.expression()
        definition = read.statement[start : read.next.start].strip()
        read.end()
        known = self._place("function", name)
        if known and not replace:
            if not quiet:
                raise SqlError("ROUTINE_ALREADY_EXISTS", f"Function {name} already exists.")
            return Result()
        if known:
            demand_manage(self.world, self.caller, known)
            del self.world.securables["function", known.name]
        self._add(
            "function",
            name,
            comment=comment,
            definition=definition,
            parameters=parameters,
            returns=returns,
        )
        return Result()

    def _drop(self, type: str) -> Result:
        quiet = self._optional("EXISTS")
        name = self.parser.name()
        self.parser.end()
        if quiet and self.world.find(type, name) is None:
            return Result()
        found = self.world.get(type, name)
        demand_manage(self.world, self.caller, found)
        self.world.remove(found)
        return Result()

    def _alter_table(self) -> Result:
        read = self.parser
        table = self.world.get("table", read.name())
        read.expect("ALTER")
        read.word("COLUMN")
        column_name = read.identifier()
        mask = None
        if read.word("SET", "MASK"):
            mask = Mask(read.name().lower(), self._using())
        else:
            read.expect("DROP", "MASK")
        read.end()
        demand_manage(self.world, self.caller, table)
        if table.kind in _NOT_MASKED:
            raise SqlError(
                "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", f"{table.name} is a {table.kind}."
            )
        column = table.columns.get(column_name.lower())
        if column is None:
            raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"No column {column_name}.")
        if mask:
            self._check_mask(table, column, mask)
        column.mask = mask
        table.updated_at = self.world.now()
        return Result()

    def _using(self) -> tuple[str, ...]:
        read = self.parser
        if not read.word("USING", "COLUMNS"):
            return ()
        return tuple(read.listed(self._used))

    def _used(self) -> str:
        read = self.parser
        return f"'{read.text()}'" if read.next.kind == "text" else read.identifier()

    def _check_mask(self, table: Securable, column: Column, mask: Mask) -> None:
        function = self.world.get("function", mask.function)
        demand_execute(self.world, self.caller, function)
        if len(function.parameters) != 1 + len(mask.using):
            raise SqlError("WRONG_NUM_ARGS", f"{function.name} does not take these arguments.")
        unknown = [one for one in mask.using if one[0] != "'" and one.lower() not in table.columns]
        if unknown:
            raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"No column {unknown[0]}.")
        if function.returns.split("(")[0].upper() != column.type.split("(")[0].upper():
            raise SqlError("DATATYPE_MISMATCH", f"{function.name} does not return a {column.type}.")

    def _select(self) -> Result:
        query = self.parser.query()
        self.parser.end()
        around = self._scope(query)
        if not query.table:
            return Result(
                tuple(label for label, _ in query.columns),
                (tuple(_text(column.value(around)) for _, column in query.columns),),
            )
        rows = query.matching(around)
        for name in reversed(query.order):
            rows.sort(key=lambda row: str(row[name.lower().rpartition(".")[2]]))
        rows = rows[: query.limit]
        if query.everything:
            labels = tuple(rows[0]) if rows else ()
            return Result(labels, tuple(tuple(map(_text, row.values())) for row in rows))
        alias = query.alias.lower()
        found = []
        for row in rows:
            inside = around.inside({**row, **{f"{alias}.{key}": row[key] for key in row}})
            found.append(tuple(_text(column.value(inside)) for _, column in query.columns))
        return Result(tuple(label for label, _ in query.columns), tuple(found))

    def _scope(self, query: Query) -> Scope:
        around = scope(self.world, self.caller, {})
        if query.table.lower().split(".")[1:2] == ["information_schema"]:
            return attrs.evolve(
                around,
                rows=lambda name: _information_schema.rows(self.world, self.caller, name),
            )
        if query.table:
            table = self.world.get("table", query.table)
            closed = without_use(self.world, self.caller, table)
            if closed or not holds(self.world, self.caller, table, "SELECT"):
                raise SqlError(
                    "INSUFFICIENT_PERMISSIONS",
                    closed or f"User does not have SELECT on Table '{table.name}'.",
                )
        return around


def _text(value: Any) -> str | None:
    """A value as the format JSON_ARRAY writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return str(value)


def bound(parameters: Any) -> dict[str, Any]:
    """The values of named markers, by their types.

    Raises:
        SqlError: a text that is not of the type it is said to have.
    """
    found: dict[str, Any] = {}
    for one in parameters or ():
        value, type = one.get("value"), str(one.get("type", "STRING")).upper()
        if value is not None and type in {"INT", "BIGINT"}:
            value = int(value)
        elif value is not None and type == "BOOLEAN":
            value = value.lower() == "true"
        found[str(one["name"])] = as_type(value, type)
    return found
