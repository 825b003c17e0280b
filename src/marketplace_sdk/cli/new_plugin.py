"""``marketplace new-plugin``: a distribution to begin with, whose tests already run a kit."""

from __future__ import annotations

import re
from importlib import resources, util
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from marketplace_sdk.cli.grouping import Group
from marketplace_sdk.cli.opening import explained
from marketplace_sdk.errors import DuplicateName, InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

__all__ = ["new_plugin", "write_plugin"]

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40
_SUFFIX = ".tmpl"
_PACKAGE = "PACKAGE"


@click.group("new-plugin", cls=Group)
def new_plugin() -> None:
    """Write the beginning of a plugin, with tests that run."""


@new_plugin.command()
@click.argument("name")
@click.option(
    "--to",
    "folder",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder in which the distribution gets a folder of its own.",
)
@explained
def provisioner(*, name: str, folder: Path) -> None:
    """Write a provisioner of the platform NAME."""
    written = write_plugin("provisioner", name, folder)
    click.echo(f"{written}: a provisioner, and tests that run the conformance kit")
    click.echo(f"next: cd {written} && python -m pytest")


def write_plugin(kind: str, name: str, folder: Path) -> Path:
    """Write a distribution into a new folder; nothing that exists is touched.

    Args:
        kind: ``provisioner``.
        name: of the platform, [a-z0-9_]; becomes part of the names of package and distribution.
        folder: where the new folder is made; made as well if need be.

    Returns:
        The new folder.

    Raises:
        InvalidInput: the name cannot be used, or the folder cannot be written.
        DuplicateName: the name or the new folder is taken.
    """
    names = _names(name)
    target = folder / names["distribution"]
    files = dict(_files(resources.files(__package__) / f"new_plugin_{kind}", names))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.mkdir()
        for path, text in files.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    except FileExistsError:
        taken = target if target.exists() or target.is_symlink() else folder
        raise DuplicateName(
            f"cannot write plugin {name}: {taken} exists",
            existing=str(taken),
            hint="choose another folder with --to, or remove it",
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"cannot write plugin {name}", problems=[Problem("to", f"{folder}: {error.strerror}")]
        ) from None
    return target


def _names(name: str) -> Mapping[str, str]:
    """Everything that is called after the plugin."""
    from marketplace_sdk._plugins import PluginHost

    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        problem = (
            f"must be at most {_LONGEST} small letters and digits, with single underscores "
            "between them, beginning with a letter"
        )
        raise InvalidInput("cannot write this plugin", problems=[Problem("name", problem)])
    package = f"marketplace_sdk_{name}"
    host = PluginHost()
    taken = (
        host.provenance("provisioner", name)
        or next((each.provenance for each in host.describe() if each.name == name), "")
        or (f"package {package}" if util.find_spec(package) is not None else "")
    )
    if taken:
        raise DuplicateName(
            f"cannot write plugin {name}: the name is taken by {taken}", existing=taken
        )
    return {
        "name": name,
        "package": package,
        "distribution": f"data-marketplace-sdk-{name.replace('_', '-')}",
        "title": name.replace("_", " ").title(),
        "prefix": name.title().replace("_", ""),
    }


def _files(
    folder: Traversable, names: Mapping[str, str], under: str = ""
) -> Iterator[tuple[str, str]]:
    """Path and text of every file of the distribution."""
    for entry in folder.iterdir():
        if entry.is_dir():
            place = entry.name.replace(_PACKAGE, names["package"])
            yield from _files(entry, names, f"{under}{place}/")
        elif entry.name.endswith(_SUFFIX):
            text = entry.read_text(encoding="utf-8")
            yield f"{under}{entry.name.removesuffix(_SUFFIX)}", Template(text).substitute(names)
