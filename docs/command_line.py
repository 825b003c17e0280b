"""Writes docs/reference/command-line.md from the commands: `python docs/command_line.py`."""

from __future__ import annotations

from pathlib import Path

import click

from marketplace_sdk.cli.app import OWN, app
from marketplace_sdk.cli.opening import EXITS

PAGE = Path(__file__).parent / "reference" / "command-line.md"

HEAD = """\
# The command line

Written from the commands by `docs/command_line.py`; a test compares.
Plugins add commands of their own: `marketplace --help` lists what is installed.

What a command prints goes to standard output, what it tells or asks beside that to standard error.
`--json` prints one JSON document instead of tables; lists are `{{"items": [...], "next": ...}}`.
Whatever people wrote is printed without characters that could act on a terminal.
Errors are one line that says what could not be done, and what to do.

A command that takes something away shows what that is and asks; `--yes` answers for scripts.
Commands act as the person whom `--by` names, and may do what that person may.
Whoever can read the configuration can name anybody: keep it from whom you do not trust.

## Exit status

| status | means |
|---|---|
| 0 | done |
| 1 | done, and something wants attention: warning, drift, difference; or a question got a no |
| 2 | wrong usage or input, or `doctor` found something broken |
{exits}

## Environment

| variable | stands for |
|---|---|
{variables}
| `NO_COLOR` | any value: no colours |

## Completion

`eval "$(marketplace completion bash)"` in `.bashrc`, the same with `zsh` in `.zshrc`;
`marketplace completion fish > ~/.config/fish/completions/marketplace.fish`.
"""

MEANS = {
    "NotFound": "not found, or you may not see it",
    "NotAllowed": "you may not do this",
    "Conflict": "the world is not as assumed: taken, changed, decided, or past this step",
    "AdapterError": "something outside failed: storage, platform, directory, receiver",
    "PluginError": "a plugin is missing, broken or blocked",
}


def commands(group, *path):
    """Words and command, for everything built in, groups before what is in them."""
    context = click.Context(group)
    for name in sorted(OWN if not path else group.commands):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


def page():
    """The whole text."""
    found = list(commands(app))
    exits = {}
    for kind, status in EXITS:
        if kind.__name__ in MEANS:
            exits.setdefault(status, MEANS[kind.__name__])
    options = {
        option.envvar: option
        for _, command in found
        for option in command.params
        if isinstance(option, click.Option) and option.envvar
    }
    head = HEAD.format(
        exits="\n".join(f"| {status} | {text} |" for status, text in exits.items()),
        variables="\n".join(
            f"| `{name}` | `{option.opts[0]}` |" for name, option in sorted(options.items())
        ),
    )
    return "\n".join([head, *(section(path, command) for path, command in found)])


def section(path, command):
    """One command: usage, what it does, arguments and options."""
    words = " ".join(path)
    level = "#" * (len(path) + 1)
    about = "\n\n".join(" ".join(each.split()) for each in command.help.split("\n\n"))
    if isinstance(command, click.Group):
        return f"{level} marketplace {words}\n\n{about}\n"
    context = click.Context(command, info_name=f"marketplace {words}")
    usage = " ".join(command.collect_usage_pieces(context))
    rows = [
        f"| `{', '.join(option.opts)}{value(option)}` | {explained(option)} |"
        for option in command.params
        if isinstance(option, click.Option)
    ]
    table = "\n".join(["| option | |", "|---|---|", *rows, ""]) if rows else ""
    return f"{level} marketplace {words}\n\n`marketplace {words} {usage}`\n\n{about}\n\n{table}"


def value(option):
    """What follows the option."""
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return f" {' or '.join(option.type.choices)}"
    return f" {option.metavar or option.name.upper()}"


def explained(option):
    """Help and default of an option, as a cell of a table."""
    default = option.default if option.show_default else None
    shown = f" Default: `{default}`." if default is not None else ""
    required = " Required." if option.required else ""
    again = " May be given again." if option.multiple else ""
    return f"{option.help or ''}{required}{again}{shown}".strip().replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
