"""What a pass has found out already, so that Snowflake is asked for it once.

Only what was read under the same correlation id is used. None of it is a proof: what was changed is
looked at again, and what was seen before a change is used for one change only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from marketplace_sdk.plugin import Call, Scope, Seen
    from marketplace_sdk_snowflake.naming import Grantee

__all__ = ["Pass", "Passes"]

_KEPT = 64


@define
class Pass:
    """Facts of one pass.

    Attributes:
        objects: native id by database, schema and name.
        principals: native id by kind (USER or ROLE) and name.
        roles: whether a role of that name is ours; what is not known to be there is missing.
        kept: whether such a role was made by an administrator, to be kept.
        released: roles that an administrator made, and that nobody needs any more: they stay, and
            count as gone.
        seen: what was in a scope when it was looked at last, until something is changed there.
    """

    objects: dict[tuple[str, str, str], str] = field(factory=dict)
    principals: dict[tuple[str, str], str] = field(factory=dict)
    roles: dict[Grantee, bool] = field(factory=dict)
    kept: dict[Grantee, bool] = field(factory=dict)
    released: set[Grantee] = field(factory=set)
    seen: dict[Scope, Seen] = field(factory=dict)


class Passes:
    """The passes of late; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._passes: OrderedDict[str, Pass] = OrderedDict()

    def of(self, call: Call) -> Pass:
        """What is known in the pass that a call belongs to."""
        with self._lock:
            found = self._passes.setdefault(call.correlation_id, Pass())
            self._passes.move_to_end(call.correlation_id)
            while len(self._passes) > _KEPT:
                self._passes.popitem(last=False)
            return found
