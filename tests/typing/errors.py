"""Read by mypy, never run: what the types of the public errors promise."""

from typing import assert_type

from marketplace_sdk.errors import AdapterError, AlreadyRequested, InvalidInput, Problem


def fields(error: AdapterError | AlreadyRequested | InvalidInput) -> None:
    """Each error carries its facts as typed fields."""
    assert_type(error.code, str)
    assert_type(error.hint, str)
    assert_type(error.http_status, int)
    if isinstance(error, InvalidInput):
        assert_type(error.problems, tuple[Problem, ...])
    elif isinstance(error, AlreadyRequested):
        assert_type(error.existing, str)
    else:
        assert_type(error.retry_after, float | None)
