"""The statement execution service: a statement that fails is an answer, not an error of HTTP."""

from __future__ import annotations

from typing import Any

from marketplace_sdk_databricks.testing._refusals import invalid, missing
from marketplace_sdk_databricks.testing._request import Request, Route
from marketplace_sdk_databricks.testing._statements import Result, bound, run
from marketplace_sdk_databricks.testing._tokens import SqlError

_BASE = "/api/2.0/sql/statements"


def _execute(request: Request) -> Any:
    body, world = request.body, request.world
    if str(body.get("warehouse_id")) not in world.warehouses:
        raise missing(
            "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {body.get('warehouse_id')} does not exist."
        )
    statement = body.get("statement")
    if not isinstance(statement, str) or not statement.strip():
        raise invalid("statement must not be empty.")
    try:
        result = run(world, request.caller, statement, bound(body.get("parameters")))
    except SqlError as error:
        found = failed(world.new_id(), str(error))
    else:
        found = _succeeded(world.new_id(), result)
    world.statements[found["statement_id"]] = found
    return found


def failed(id: str, message: str) -> dict[str, Any]:
    """The answer to a statement that could not be carried out."""
    error = {"error_code": "BAD_REQUEST", "message": message}
    return {"statement_id": id, "status": {"state": "FAILED", "error": error}}


def _succeeded(id: str, result: Result) -> dict[str, Any]:
    columns = [
        {"name": name, "position": place, "type_name": "STRING", "type_text": "STRING"}
        for place, name in enumerate(result.columns)
    ]
    shown: dict[str, Any] = {"chunk_index": 0, "row_offset": 0, "row_count": len(result.rows)}
    if result.rows:
        shown["data_array"] = [list(row) for row in result.rows]
    return {
        "statement_id": id,
        "status": {"state": "SUCCEEDED"},
        "manifest": {
            "format": "JSON_ARRAY",
            "schema": {"column_count": len(columns), "columns": columns},
            "total_row_count": len(result.rows),
            "total_chunk_count": 1 if result.rows else 0,
            "truncated": False,
        },
        "result": shown,
    }


def _get(request: Request) -> Any:
    found = request.world.statements.get(request.segments[-1])
    if found is None:
        raise missing("RESOURCE_DOES_NOT_EXIST", "The statement does not exist.")
    return found


def _cancel(request: Request) -> Any:
    found = request.world.statements.get(request.segments[-2])
    if found and found["status"]["state"] in {"PENDING", "RUNNING"}:
        found["status"] = {"state": "CANCELED"}
    return {}


ROUTES = (
    Route("POST", _BASE, _execute, changes=True),
    Route("GET", f"{_BASE}/{{id}}", _get),
    Route("POST", f"{_BASE}/{{id}}/cancel", _cancel),
)
