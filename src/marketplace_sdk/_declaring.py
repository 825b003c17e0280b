"""Files of declarations: YAML, read with the line of everything in mind, and written."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketplace_sdk.domain.declarations import Declaration
from marketplace_sdk.domain.values import name_set
from marketplace_sdk.errors import InvalidInput, Problem
from marketplace_sdk.wire.declarations import SECTIONS, data_of, read_document
from marketplace_sdk.wire.reading import At
from marketplace_sdk.wire.standards import MASKED, Standards, imported

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node

    from marketplace_sdk.wire.reading import Path as Steps

__all__ = ["documents", "import_standards", "read_declarations", "write_declarations"]

SUFFIXES = (".yaml", ".yml")
LARGEST = 10_000_000
"""Bytes of one file."""
MOST_NODES = 250_000
"""Of one file, whatever is repeated counted each time: a few lines can stand for more than fits."""
DEEPEST = 100
_BREAKS = re.compile("[\r\x85\u2028\u2029]")


def read_declarations(*paths: str | Path) -> tuple[Declaration, ...]:
    """What files declare.

    Args:
        paths: YAML files, and folders that hold some at any depth.

    Raises:
        InvalidInput: with ``file:line`` of each thing that is wrong: a file that cannot be read, a
            key that is unknown or stands twice, a value of the wrong shape. No value is repeated.
    """
    found: list[Declaration] = []
    problems: list[Problem] = []
    for path in paths:
        for file in _files(Path(path)):
            try:
                for data, places in documents(file):
                    found += read_document(data, places)
            except InvalidInput as error:
                problems += error.problems
    if problems:
        raise InvalidInput("cannot read declarations", problems=problems)
    return tuple(found)


def import_standards(
    *paths: str | Path,
    connection: str,
    domain: str | None = None,
    server: str | None = None,
    masked: Iterable[str] = MASKED,
) -> tuple[Declaration, ...]:
    """Data contracts and data products of the open standards (bitol-io) as declarations.

    Args:
        paths: YAML files of the Open Data Contract Standard (versions 3) and of the Open Data
            Product Standard (0.9 and 1), and folders that hold some.
        connection: name of the configured connection on which the objects are.
        domain: of the products; None means the one that each product names.
        server: name of the server in each contract; None means its first.
        masked: classifications of columns that are masked.

    Raises:
        InvalidInput: with ``file:line`` of each thing that cannot be used.
    """
    found: list[At] = []
    for path in paths:
        for file in _files(Path(path)):
            found += (At(data, (), places) for data, places in documents(file) if data is not None)
    how = Standards(connection=connection, domain=domain, server=server, masked=name_set(masked))
    return imported(found, how)


def write_declarations(
    declarations: Iterable[Declaration], folder: str | Path | None = None
) -> str:
    """Declarations as YAML, which ``read_declarations`` reads back.

    Args:
        declarations: for example ``market.declarations.export(by=...)``.
        folder: write a file for each kind there, named after its section; one that is there is
            replaced. None writes nothing.

    Returns:
        All of it as one document.

    Raises:
        InvalidInput: a file cannot be written.
    """
    document = data_of(list(declarations))
    if folder is not None:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            for section in SECTIONS:
                if section in document:
                    text = _yaml({section: document[section]})
                    (Path(folder) / f"{section}.yaml").write_text(text, encoding="utf-8")
        except OSError as error:
            raise InvalidInput(
                "cannot write declarations",
                problems=[Problem("folder", f"{folder}: {error.strerror}")],
            ) from None
    return _yaml(document)


def documents(file: Path) -> Iterator[tuple[Any, dict[Steps, str]]]:
    """Each document of a YAML file, and ``file:line`` of everything in it by its path.

    Raises:
        InvalidInput: it cannot be read, is no YAML, or holds what plain data does not.
    """
    import yaml  # noqa: PLC0415  # only who reads files needs it

    try:
        if file.stat().st_size > LARGEST:
            raise _wrong(f"{file}", f"must have at most {LARGEST} bytes")
        text = file.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        try:
            while loader.check_node():
                reader = _Reader(loader, str(file))
                node = loader.get_node()
                yield None if node is None else reader.read(node), reader.places
        finally:
            loader.dispose()
    except OSError as error:
        raise _wrong(str(file), str(error.strerror)) from None
    except UnicodeDecodeError:
        raise _wrong(str(file), "is not text in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        raise _wrong(place, f"is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError:
        raise _wrong(str(file), "is not YAML") from None
    except RecursionError:
        raise _wrong(str(file), "is nested too deeply") from None


class _Reader:
    """Turns the nodes of one document into plain data, and remembers their lines."""

    def __init__(self, loader: Any, file: str) -> None:
        self._loader = loader
        self._file = file
        self._nodes = 0
        self.places: dict[Steps, str] = {}

    def read(self, node: Node, path: Steps = ()) -> Any:
        """The data of a node."""
        from yaml.nodes import MappingNode, SequenceNode  # noqa: PLC0415  # as above

        place = f"{self._file}:{node.start_mark.line + 1}"
        self.places.setdefault(path, place)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _wrong(place, "stands for more than fits here")
        if len(path) > DEEPEST:
            raise _wrong(place, "is nested too deeply")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.read(each, (*path, at)) for at, each in enumerate(node.value)]
        value = self._loader.construct_object(node, deep=True)
        if value is not None and not isinstance(value, (str, bool, int, float)):
            return _Other()
        return value

    def _mapping(self, node: MappingNode, path: Steps) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key: Hashable = self._loader.construct_object(key_node, deep=True)
            place = f"{self._file}:{key_node.start_mark.line + 1}"
            if not isinstance(key, str):
                raise _wrong(_at(place, path), "has a key that is no text; put it in quotes")
            if key in data:
                raise _wrong(_at(place, (*path, key)), "stands here twice")
            self.places[*path, key] = place
            data[key] = self.read(value_node, (*path, key))
        return data


class _Other:
    """Stands for what only YAML knows, such as a date: nothing takes it for text or a number."""


def _yaml(document: Any) -> str:
    import yaml  # noqa: PLC0415  # only who writes files needs it

    class Dumper(yaml.SafeDumper):
        """Keeps every line end as it is: unquoted, all of them are read back as new lines."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = '"' if _BREAKS.search(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100
    )
    return written


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())


def _at(place: str, path: Steps) -> str:
    words = ".".join(map(str, path))
    return f"{place}: {words}" if words else place


def _wrong(path: str, message: str) -> InvalidInput:
    return InvalidInput("cannot read declarations", problems=[Problem(path, message)])
