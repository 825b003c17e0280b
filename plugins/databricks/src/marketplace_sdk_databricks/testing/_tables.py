"""Statements on the rows of a table: of the table that a mask function looks people up in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from marketplace_sdk_databricks.testing._evaluator import scope
from marketplace_sdk_databricks.testing._expressions import Expression, Literal, Scope, as_type
from marketplace_sdk_databricks.testing._parser import Parser
from marketplace_sdk_databricks.testing._rights import holds, without_use
from marketplace_sdk_databricks.testing._tokens import SqlError
from marketplace_sdk_databricks.testing._values import Column, Principal, Securable
from marketplace_sdk_databricks.testing._world import World

Outcome = tuple[tuple[str, ...], tuple[tuple[str | None, ...], ...]]


@attrs.frozen
class TableStatements:
    """CREATE TABLE, INSERT, UPDATE, DELETE and MERGE, of one table."""

    world: World
    caller: Principal
    parser: Parser

    def run(self) -> Outcome:
        """Carry out the statement.

        Raises:
            SqlError: it fails; nothing is changed.
        """
        read = self.parser
        if read.word("CREATE", "TABLE"):
            return self._create()
        if read.word("INSERT", "INTO"):
            return _counted(self._insert())
        if read.word("DELETE", "FROM"):
            return _counted(self._delete())
        if read.word("UPDATE"):
            return _counted(self._update())
        if read.word("MERGE", "INTO"):
            return _counted(self._merge())
        raise read.fail()

    def _create(self) -> Outcome:
        read = self.parser
        quiet = read.word("IF", "NOT", "EXISTS")
        name = read.name()
        columns = {column.name.lower(): column for column in read.listed(self._column)}
        comment = read.text() if read.word("COMMENT") else None
        read.end()
        schema = self.world.get("schema", name.rpartition(".")[0])
        if self.world.find("table", name):
            if quiet:
                return (), ()
            raise SqlError("TABLE_OR_VIEW_ALREADY_EXISTS", f"Table {name} already exists.")
        self._demand(schema, "CREATE_TABLE")
        now = self.world.now()
        self.world.add(
            Securable(
                self.world.new_id(),
                "table",
                name.lower(),
                self.caller.id,
                now,
                now,
                comment=comment,
                kind="MANAGED",
                columns=columns,
            )
        )
        return (), ()

    def _column(self) -> Column:
        read = self.parser
        name, type = read.identifier(), read.type()
        nullable = not read.word("NOT", "NULL")
        return Column(name, type, nullable, read.text() if read.word("COMMENT") else None)

    def _demand(self, securable: Securable, privilege: str) -> None:
        closed = without_use(self.world, self.caller, securable)
        if closed or not holds(self.world, self.caller, securable, privilege):
            what = f"{privilege.replace('_', ' ')} on {securable.type} '{securable.name}'"
            raise SqlError("INSUFFICIENT_PERMISSIONS", closed or f"User does not have {what}.")

    def _table(self) -> tuple[Securable, str]:
        table = self.world.get("table", self.parser.name())
        alias = table.parts[-1]
        if self.parser.word("AS"):
            alias = self.parser.identifier()
        for privilege in ("SELECT", "MODIFY"):
            self._demand(table, privilege)
        return table, alias.lower()

    def _around(self) -> Scope:
        return scope(self.world, self.caller, {})

    def _insert(self) -> int:
        read = self.parser
        table, _ = self._table()
        names = read.listed(read.identifier) if read.next.value == "(" else [*table.columns]
        read.expect("VALUES")
        rows = []
        while True:
            rows.append(self._row(table, names, read.listed(read.expression), self._around()))
            if not read.sign(","):
                break
        read.end()
        table.rows += rows
        return len(rows)

    def _row(
        self, table: Securable, names: list[str], values: list[Expression], around: Scope
    ) -> dict[str, Any]:
        if len(names) != len(values):
            raise SqlError("INSERT_COLUMN_ARITY_MISMATCH", "Columns and values differ in number.")
        found: dict[str, Any] = dict.fromkeys(table.columns)
        for name, value in zip(names, values, strict=True):
            self._put(table, found, name, value.value(around))
        for column in table.columns.values():
            if not column.nullable and found[column.name.lower()] is None:
                raise SqlError(
                    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED", f"{column.name} must not be NULL."
                )
        return found

    @staticmethod
    def _put(table: Securable, row: dict[str, Any], name: str, value: Any) -> None:
        column = table.columns.get(name.lower())
        if column is None:
            raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"No column {name}.")
        row[name.lower()] = as_type(value, column.type)

    def _where(self) -> Expression:
        found = self.parser.expression() if self.parser.word("WHERE") else Literal(written=True)
        self.parser.end()
        return found

    def _meets(self, row: Mapping[str, Any], alias: str, where: Expression) -> bool:
        return where.value(self._around().inside(_names(row, alias))) is True

    def _delete(self) -> int:
        table, alias = self._table()
        where = self._where()
        kept = [row for row in table.rows if not self._meets(row, alias, where)]
        gone = len(table.rows) - len(kept)
        table.rows[:] = kept
        return gone

    def _assignments(self) -> list[tuple[str, Expression]]:
        read = self.parser
        found = []
        while True:
            name = read.name().rpartition(".")[2]
            read.expect_sign("=")
            found.append((name, read.expression()))
            if not read.sign(","):
                return found

    def _update(self) -> int:
        table, alias = self._table()
        self.parser.expect("SET")
        assigned = self._assignments()
        where = self._where()
        changed = [row for row in table.rows if self._meets(row, alias, where)]
        for row in changed:
            inside = self._around().inside(_names(row, alias))
            for name, value in [(name, one.value(inside)) for name, one in assigned]:
                self._put(table, row, name, value)
        return len(changed)

    def _merge(self) -> int:
        read = self.parser
        table, alias = self._table()
        read.expect("USING")
        read.expect_sign("(")
        read.expect("SELECT")
        source = read.query()
        read.expect_sign(")")
        read.word("AS")
        new = read.identifier()
        read.expect("ON")
        condition = read.expression()
        read.expect("WHEN", "MATCHED", "THEN", "UPDATE", "SET")
        assigned = self._assignments()
        read.expect("WHEN", "NOT", "MATCHED", "THEN", "INSERT")
        names = read.listed(read.identifier)
        read.expect("VALUES")
        values = read.listed(read.expression)
        read.end()
        given = {label: one.value(self._around()) for label, one in source.columns}
        around = self._around().inside(_names({k.lower(): v for k, v in given.items()}, new))
        changed = 0
        for row in table.rows:
            inside = around.inside(_names(row, alias, bare=False))
            if condition.value(inside) is True:
                for name, value in [(name, one.value(inside)) for name, one in assigned]:
                    self._put(table, row, name, value)
                changed += 1
        if not changed:
            table.rows.append(self._row(table, names, values, around))
        return max(changed, 1)


def _names(row: Mapping[str, Any], alias: str, *, bare: bool = True) -> dict[str, Any]:
    found = {f"{alias.lower()}.{key}": value for key, value in row.items()}
    return {**row, **found} if bare else found


def _counted(rows: int) -> Outcome:
    return ("num_affected_rows",), ((str(rows),),)
