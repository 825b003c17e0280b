"""What people want to be told beside their inbox: which way, at once or gathered, and when not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from attrs import field, frozen

from marketplace_sdk.domain.values import FrozenMap, freeze

__all__ = [
    "EVERY",
    "MODES",
    "Channel",
    "Digest",
    "Mode",
    "PersonPreferences",
    "QuietHours",
    "mode_of",
    "next_time",
    "time_of",
]

Mode = Literal["immediate", "digest", "off"]

MODES: tuple[Mode, ...] = ("immediate", "digest", "off")
EVERY = "*"
"""Stands for every kind of notice that is not named."""
DIGEST_AT = "08:00"
MOST_GATHERED = 200
"""Notices that one digest names; of others it says how many they are."""

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY = timedelta(days=1)


def time_of(text: str) -> time:
    """The time of day that ``HH:MM`` names.

    Raises:
        ValueError: it is none.
    """
    if not _TIME.fullmatch(text):
        raise ValueError("must be a time of day such as 08:00")
    return time.fromisoformat(text)


def next_time(after: datetime, at: time, zone: tzinfo) -> datetime:
    """The first instant behind ``after`` at which clocks in the zone show a time of day.

    A time that clocks skip comes as much later as they were put forward; of one that they show
    twice it is the first.
    """
    day = after.astimezone(zone).date() - _DAY
    while (moment := _instant(day, at, zone)) <= after:
        day += _DAY
    return moment


def _instant(day: date, at: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


@frozen
class QuietHours:
    """Hours of each day in which somebody is sent nothing.

    Attributes:
        begins: ``HH:MM`` in the person's time zone.
        ends: the same; earlier than ``begins`` when it is on the next day.
    """

    begins: str
    ends: str

    def until(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When they end; None when they are not now."""
        begins, ends = time_of(self.begins), time_of(self.ends)
        today = now.astimezone(zone).date()
        for day in (today - _DAY, today):
            last = day if ends > begins else day + _DAY
            end = _instant(last, ends, zone)
            if _instant(day, begins, zone) <= now < end:
                return end
        return None


@frozen(kw_only=True)
class Channel:
    """What an administrator says of one way to tell people, a notifier.

    Attributes:
        name: of the notifier.
        on: False: nobody is told this way, whatever they chose.
        modes: for people who chose nothing, by kind of notice; ``*`` stands for the others.
        revision: of the stored record.
    """

    name: str
    on: bool = True
    modes: FrozenMap[str, Mode] = field(factory=FrozenMap, converter=freeze)
    revision: int = field(default=0, eq=False)


@frozen(kw_only=True)
class PersonPreferences:
    """What one person chose.

    Attributes:
        person: the id.
        channels: modes by kind of notice, by channel; ``*`` stands for the other kinds.
        quiet_hours: when nothing is sent, or None.
        digest_at: ``HH:MM`` in the person's time zone.
        held_until: end of the quiet hours in which something was held back last, or None.
        revision: of the stored record.
    """

    person: str
    channels: FrozenMap[str, FrozenMap[str, Mode]] = field(factory=FrozenMap, converter=freeze)
    quiet_hours: QuietHours | None = None
    digest_at: str = DIGEST_AT
    held_until: datetime | None = field(default=None, eq=False)
    revision: int = field(default=0, eq=False)

    def due(self, now: datetime) -> datetime:
        """When something that is told now can be sent, as far as it is known without a time zone.

        What has to wait is not due before, so that nobody takes it for work that is late.
        """
        held = self.held_until if self.quiet_hours is not None else None
        return now if held is None else max(now, held)


@frozen(kw_only=True)
class Digest:
    """What is being gathered for one person until their digests are due.

    Attributes:
        person: the id.
        since: when the first notice of it was gathered.
        messages: ids of messages in the person's inbox, by channel, the oldest first.
        more: how many beyond those, by channel.
        revision: of the stored record.
    """

    person: str
    since: datetime
    messages: FrozenMap[str, tuple[str, ...]] = field(factory=FrozenMap, converter=freeze)
    more: FrozenMap[str, int] = field(factory=FrozenMap, converter=freeze)
    revision: int = field(default=0, eq=False)

    def added(self, channel: str, message: str) -> Digest:
        """With one more message for a channel."""
        known = self.messages.get(channel, ())
        messages, more = self.messages, self.more
        if len(known) < MOST_GATHERED:
            messages = messages.set(channel, (*known, message))
        else:
            more = more.set(channel, more.get(channel, 0) + 1)
        return Digest(
            person=self.person,
            since=self.since,
            messages=messages,
            more=more,
            revision=self.revision,
        )


def mode_of(
    channel: Channel | None, chosen: PersonPreferences | None, name: str, kind: str
) -> Mode:
    """How a person is told of a kind of notice on a channel.

    What the administrator switched off is off; else what the person chose counts, else what the
    administrator set for those who chose nothing, else everything is told at once.
    """
    if channel is not None and not channel.on:
        return "off"
    own: Mapping[str, Mode] = {} if chosen is None else chosen.channels.get(name, FrozenMap())
    set_: Mapping[str, Mode] = {} if channel is None else channel.modes
    for modes in (own, set_):
        for key in (kind, EVERY):
            if key in modes:
                return modes[key]
    return "immediate"
