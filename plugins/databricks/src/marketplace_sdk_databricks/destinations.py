"""Where Databricks sends people who ask for a table: to the product's page in the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from databricks.sdk.service.catalog import (
    AccessRequestDestinations,
    DestinationType,
    NotificationDestination,
    Securable,
    SecurableType,
)

from marketplace_sdk.plugin import InvalidInput, Problem
from marketplace_sdk_databricks.naming import split_name
from marketplace_sdk_databricks.securables import path
from marketplace_sdk_databricks.steps import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk_databricks.site import Site

__all__ = ["plan_destination"]


def plan_destination(site: Site, table: str, url: str) -> Sequence[Step]:
    """What has to be done so that people who ask for a table are sent to that page.

    Databricks wants such an address to be the only destination, so what somebody else has set is
    never replaced. An empty address takes ours away again.

    Raises:
        InvalidInput: it cannot be done, and why. Nothing was changed.
        OSError: it cannot be looked.
    """
    try:
        name = ".".join(split_name(table))
    except ValueError as error:
        raise _refused(table, "object", str(error)) from None
    if url and (urlsplit(url).scheme != "https" or not urlsplit(url).hostname):
        raise _refused(table, "url", "must be an https address")
    found = site.client.rfa.get_access_request_destinations("table", path(name))
    source = found.destination_source_securable
    inherited = source is not None and source.type is not SecurableType.TABLE
    there = [] if inherited else list(found.destinations or [])
    if found.are_any_destinations_hidden:
        raise _refused(table, "object", "it has destinations that we may not see")
    if [each.destination_id for each in there] == ([url] if url else []):
        return []
    if any(each.destination_type is not DestinationType.URL for each in there):
        raise _refused(table, "object", "somebody else is told of requests; it is left so")
    wanted = AccessRequestDestinations(
        securable=Securable(full_name=name, type=SecurableType.TABLE),
        destinations=[
            NotificationDestination(destination_id=url, destination_type=DestinationType.URL)
        ]
        if url
        else [],
    )
    shown = f"send requests for {name} to {url}" if url else f"send requests for {name} nowhere"
    return [
        Step(
            shown,
            lambda site: site.client.rfa.update_access_request_destinations(wanted, "destinations"),
        )
    ]


def _refused(table: str, path: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"cannot change where requests for {table} go", problems=[Problem(path, why)]
    )
