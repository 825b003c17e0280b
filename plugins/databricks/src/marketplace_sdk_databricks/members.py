"""Account groups of ours and who is in them.

By the newer interface, one member a request, which works for account groups from within a
workspace; the SCIM interface of a workspace only reads those. The SDK's methods for it differ
between its versions and are missing in the oldest that we support, so the paths stand here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from databricks.sdk import errors

from marketplace_sdk_databricks.paging import settled

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

__all__ = ["add_member", "create_group", "delete_group", "is_member", "members", "remove_member"]

_GROUPS = "/api/2.0/identity/groups"


def members(client: WorkspaceClient, group: str) -> dict[str, str]:
    """Direct members of a group by numeric id, with where the membership comes from.

    Raises:
        OSError: it cannot be listed.
    """
    return settled(lambda: _read(client, group))


def is_member(client: WorkspaceClient, group: str, member: str) -> bool:
    """Whether somebody is a direct member of a group.

    Raises:
        OSError: it cannot be said.
    """
    try:
        client.api_client.do("GET", f"{_members(group)}/{int(member)}")
    except errors.NotFound:
        return False
    return True


def add_member(client: WorkspaceClient, group: str, member: str) -> None:
    """Make somebody a member; no matter if that is so already.

    Raises:
        OSError: it cannot be done, or it is not known whether it was.
    """
    try:
        client.api_client.do("POST", _members(group), body={"principal_id": int(member)})
    except (errors.AlreadyExists, errors.ResourceAlreadyExists):
        return


def remove_member(client: WorkspaceClient, group: str, member: str) -> None:
    """End a membership; no matter if there is none.

    Raises:
        OSError: it cannot be done, or it is not known whether it was.
    """
    try:
        client.api_client.do("DELETE", f"{_members(group)}/{int(member)}")
    except errors.NotFound:
        return


def create_group(client: WorkspaceClient, name: str) -> None:
    """Make an account group.

    Raises:
        OSError: it cannot be done, or it is not known whether it was.
    """
    client.api_client.do("POST", _GROUPS, body={"group_name": name})


def delete_group(client: WorkspaceClient, group: str) -> None:
    """Delete an account group.

    Raises:
        OSError: it cannot be done, or it is not known whether it was.
    """
    client.api_client.do("DELETE", f"{_GROUPS}/{int(group)}")


def _read(client: WorkspaceClient, group: str) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    query: dict[str, Any] = {}
    pages = 0
    while True:
        page: Any = client.api_client.do("GET", _members(group), query=query)
        pages += 1
        for each in page.get("direct_group_members", ()):
            found[str(each["principal_id"])] = str(each.get("membership_source", ""))
        if not page.get("next_page_token"):
            return found, pages
        query = {"page_token": page["next_page_token"]}


def _members(group: str) -> str:
    # Numbers only: nothing that was read from elsewhere becomes a path.
    return f"{_GROUPS}/{int(group)}/direct-members"
