"""The scenes, in their order. The first line of each one's docstring is its title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sdk_postgres.demo.scenes.asking import (
    all_must_agree,
    for_some_days,
    in_the_clear,
    one_is_enough,
    refused_by_a_steward,
)
from marketplace_sdk_postgres.demo.scenes.ending import (
    clean_up,
    other_reasons,
    time_is_over,
)
from marketplace_sdk_postgres.demo.scenes.masking import masked_view
from marketplace_sdk_postgres.demo.scenes.opening import govern, nothing_yet, publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sdk_postgres.demo.play import Play

__all__ = ["SCENES"]

SCENES: tuple[Callable[[Play], None], ...] = (
    govern,
    publish,
    nothing_yet,
    one_is_enough,
    all_must_agree,
    refused_by_a_steward,
    for_some_days,
    in_the_clear,
    time_is_over,
    other_reasons,
    masked_view,
    clean_up,
)
