"""The ``marketplace`` command; its sub-commands come from plugins by hook."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; needs the ``cli`` extra."""
    try:
        from marketplace_sdk.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("marketplace needs its command-line extra: data-marketplace-sdk[cli]")
    app(prog_name="marketplace")
