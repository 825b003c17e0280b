"""Answers and bound values as they stand on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketplace_sdk_snowflake.testing.refusals import Refused
from marketplace_sdk_snowflake.testing.running import Result
from marketplace_sdk_snowflake.testing.sessions import DEFAULTS, Session

__all__ = ["SUCCESS", "bound", "failure", "query_failure", "rows"]

SUCCESS: dict[str, Any] = {"success": True, "code": None, "message": None, "data": None}


def bound(binding: dict[str, Any]) -> Any:
    """The value of a binding, by the type that the connector gave it."""
    value, kind = binding.get("value"), str(binding.get("type", "TEXT")).upper()
    if value is None:
        return None
    if kind == "FIXED":
        return int(value)
    if kind == "REAL":
        return float(value)
    return str(value).lower() == "true" if kind == "BOOLEAN" else str(value)


def failure(refused: Refused, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer to a request that was refused."""
    return {
        "success": False,
        "code": f"{refused.errno:06d}",
        "message": refused.message,
        "data": data,
    }


def query_failure(refused: Refused, sfqid: str) -> dict[str, Any]:
    """What stands in the answer about a statement that was refused."""
    return {
        "internalError": False,
        "errorCode": f"{refused.errno:06d}",
        "sqlState": refused.sqlstate,
        "queryId": sfqid,
        "line": -1,
        "pos": -1,
        "type": "COMPILATION",
    }


def _cell(value: Any, type_: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        micros = round(value.timestamp() * 1_000_000)
        text = f"{micros // 1_000_000}.{micros % 1_000_000:06d}000"
        if type_ != "timestamp_tz":
            return text
        offset = value.utcoffset()
        minutes = int(offset.total_seconds() // 60) if offset else 0
        return f"{text} {1440 + minutes}"
    return str(value)


def rows(result: Result, session: Session, sfqid: str) -> dict[str, Any]:
    """The answer to a statement that was run."""
    kinds = [type_ for _, type_ in result.columns]
    rowset = [
        [_cell(value, type_) for value, type_ in zip(row, kinds, strict=True)]
        for row in result.rows
    ]
    return {
        "success": True,
        "code": None,
        "message": None,
        "data": {
            "parameters": [{"name": name, "value": session.parameter(name)} for name in DEFAULTS],
            "rowtype": [_heading(name, type_) for name, type_ in result.columns],
            "rowset": rowset,
            "total": len(rowset),
            "returned": len(rowset),
            "queryId": sfqid,
            "databaseProvider": None,
            "finalDatabaseName": session.database or None,
            "finalSchemaName": session.schema or None,
            "finalWarehouseName": session.warehouse or None,
            "finalRoleName": session.role,
            "numberOfBinds": 0,
            "arrayBindSupported": False,
            "statementTypeId": result.kind,
            "version": 1,
            "queryResultFormat": "json",
        },
    }


def _heading(name: str, type_: str) -> dict[str, Any]:
    sizes: dict[str, tuple[int | None, int | None, int | None]] = {
        "text": (16777216, None, None),
        "fixed": (None, 38, 0),
    }
    length, precision, scale = sizes.get(type_, (None, 0, 9))
    return {
        "name": name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": True,
        "type": type_,
        "byteLength": length,
        "length": length,
        "precision": precision,
        "scale": scale,
        "collation": None,
    }
