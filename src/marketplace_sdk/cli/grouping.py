"""Groups of commands, which say what they have when a name is wrong."""

from __future__ import annotations

from difflib import get_close_matches

import click

__all__ = ["Group"]


class Group(click.Group):
    """A group that answers a wrong name with the nearest one, or with all that there are."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            names = self.list_commands(ctx)
            close = get_close_matches(args[0], names, n=1)
            said = f"Did you mean {close[0]}?" if close else f"There are {', '.join(names)}."
            raise click.UsageError(f"{error.message} {said}", ctx) from None
