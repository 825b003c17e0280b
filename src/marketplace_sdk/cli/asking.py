"""What commands are given, and what they ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from marketplace_sdk.errors import InvalidInput

if TYPE_CHECKING:
    from marketplace_sdk.domain.durations import Duration
    from marketplace_sdk.domain.forms import FormVersion
    from marketplace_sdk.domain.selectors import StewardSelector

__all__ = ["answers_of", "holder", "moment", "pairs", "sure", "until"]


def until(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> Duration | datetime | None:
    """Callback of an option that takes a duration such as ``30 days``, or a time (UTC)."""
    from marketplace_sdk.domain.durations import Duration

    if value is None:
        return None
    try:
        return Duration.parse(value)
    except InvalidInput:
        pass
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            "must be like '30 days', or a time like 2030-01-31T12:00Z", ctx, param
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Callback of an option that takes a time (UTC)."""
    found = until(ctx, param, value)
    if found is None or isinstance(found, datetime):
        return found
    raise click.BadParameter("must be a time like 2030-01-31T12:00Z", ctx, param)


def holder(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> str | StewardSelector | None:
    """Callback of an option that takes a person's id, or ``group:NAME``."""
    from marketplace_sdk.domain.selectors import group

    if value is None or not value.startswith("group:"):
        return value
    try:
        return group(value.removeprefix("group:"))
    except InvalidInput as error:
        raise click.BadParameter(str(error), ctx, param) from None


def pairs(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Callback of an option that takes ``KEY=VALUE``, as often as it is given."""
    found = []
    for each in value:
        key, equals, rest = each.partition("=")
        if not equals:
            raise click.BadParameter("must be KEY=VALUE", ctx, param)
        found.append((key, rest))
    return tuple(found)


def answers_of(form: FormVersion, given: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Answers in the shapes that the questions of a form take.

    A question that takes several choices is given several times; a duration is given in words.
    """
    from marketplace_sdk.domain.durations import Duration

    kinds = {question.key: question.kind for question in form.questions}
    answers: dict[str, Any] = {}
    for key, value in given:
        if kinds.get(key) == "CHECKBOXES":
            answers.setdefault(key, []).append(value)
        elif kinds.get(key) == "ACCESS_DURATION":
            answers[key] = Duration.parse(value, f"answers.{key}")
        else:
            answers[key] = value
    return answers


def sure(question: str, *, yes: bool) -> None:
    """Ask before something is taken away; without a yes the command ends with status 1."""
    if not yes:
        click.confirm(question, abort=True)
