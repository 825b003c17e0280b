"""Entry point of the plugin: storages for URLs that begin with ``sqlite:`` or ``postgresql:``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk.plugin import BuildContext, Storage, StorageSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["marketplace_storages"]


@hookimpl
def marketplace_storages() -> Iterable[StorageSpec]:
    """The stores of this plugin."""
    yield StorageSpec(
        name="sqlite",
        build=_build,
        summary="Keeps everything in one SQLite file, durable at every commit.",
        capabilities=frozenset({"multi_process", "search", "search_typos"}),
    )
    # Both are schemes that PostgreSQL's own tools take.
    for name in ("postgresql", "postgres"):
        yield StorageSpec(
            name=name,
            build=_build,
            summary="Keeps everything in a PostgreSQL database, for any number of machines.",
            capabilities=frozenset({"multi_process", "multi_machine", "search"}),
        )


def _build(url: str, context: BuildContext) -> Storage:  # noqa: ARG001  # nothing to resolve
    # SQLAlchemy takes a while to import; whoever does not use this store does not wait for it.
    from marketplace_sdk_sql.storage import SqlStorage

    return SqlStorage(url)
