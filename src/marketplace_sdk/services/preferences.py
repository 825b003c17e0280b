"""Which ways people are told beside their inbox, and when; each chooses for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from marketplace_sdk.domain.notice_kinds import NOTICES
from marketplace_sdk.domain.people import Facts
from marketplace_sdk.domain.preferences import (
    EVERY,
    MODES,
    Channel,
    Digest,
    Mode,
    PersonPreferences,
    QuietHours,
    mode_of,
    time_of,
)
from marketplace_sdk.domain.rights import allowed, require, roles_in
from marketplace_sdk.domain.values import FrozenMap, check_flag, check_id
from marketplace_sdk.errors import InvalidInput, NotFound, Problem
from marketplace_sdk.services._context import By, Service
from marketplace_sdk.work.gathering import look_at_digest
from marketplace_sdk.work.unit import Unit

__all__ = ["ChannelChoice", "Preferences", "PreferencesView"]

KINDS = tuple(kind for kind in NOTICES if kind != "digest")
"""Kinds of notices that one can choose about."""

Modes = Mode | Mapping[str, Mode]
"""One for all kinds of notices, or by kind, where ``*`` stands for the others."""


@frozen(kw_only=True)
class ChannelChoice:
    """How one person is told by one channel.

    Attributes:
        name: of the channel, a notifier of the configuration.
        on: False: an administrator switched it off.
        modes: how each kind of notice is told, all things considered.
        chosen: what the person chose, by kind; ``*`` stands for the others.
    """

    name: str
    on: bool
    modes: FrozenMap[str, Mode]
    chosen: FrozenMap[str, Mode]


@frozen(kw_only=True)
class PreferencesView:
    """What holds for one person.

    Attributes:
        person: the id.
        channels: every channel that is configured, by name.
        quiet_hours: when nothing is sent to them, in their time zone, or None.
        digest_at: when digests are sent, ``HH:MM`` in their time zone.
    """

    person: str
    channels: tuple[ChannelChoice, ...]
    quiet_hours: QuietHours | None
    digest_at: str


class Preferences(Service):
    """Ways beside the inbox, which always gets everything.

    A channel is a notifier of the configuration that receives notices. Each kind of notice is told
    by it ``immediate``, gathered for a daily ``digest``, or not at all (``off``).
    """

    def get(self, person: str, *, by: By = None) -> PreferencesView:
        """What holds for a person; only one's own.

        Raises:
            NotFound: it is somebody else's.
        """
        with self._reading(by) as (unit, facts):
            _own(facts, person, "read")
            return self._view(unit, unit.get(PersonPreferences, person), person)

    def set(
        self,
        person: str,
        *,
        channels: Mapping[str, Modes] | None = None,
        quiet_hours: QuietHours | None = None,
        digest_at: str | None = None,
        by: By = None,
    ) -> PreferencesView:
        """Say what one wants, in place of what one said before.

        What is left out is as the administrator has it: ``set("ana", by="ana")`` takes all back.
        Notices that wait already are sent as they were meant to be, but not in quiet hours.

        Args:
            person: the id; only oneself.
            channels: by name: one mode for everything, or modes by kind of notice.
            quiet_hours: when nothing is sent, such as ``QuietHours("22:00", "07:00")``; what is
                due then is sent when they end.
            digest_at: when digests are sent; 08:00 if left out.
            by: who chooses.

        Raises:
            InvalidInput: naming each channel, kind, mode and time that is none.
            NotFound: it is somebody else's.
        """
        problems: list[Problem] = []
        wanted = self._channels(channels, problems)
        quiet = _quiet(quiet_hours, problems)
        at = _at(digest_at, "digest_at", problems)
        if problems:
            raise InvalidInput("cannot keep these preferences", problems=problems)

        def work(unit: Unit, facts: Facts) -> PreferencesView:
            _own(facts, person, "change")
            known = unit.get(PersonPreferences, person)
            more: dict[str, Any] = {} if digest_at is None else {"digest_at": at}
            new = PersonPreferences(
                person=person,
                channels=wanted,
                quiet_hours=quiet,
                revision=0 if known is None else known.revision,
                **more,
            )
            if new != (known or PersonPreferences(person=person)):
                unit.save(new)
                if unit.get(Digest, person) is not None:
                    look_at_digest(unit, person, unit.now)
            return self._view(unit, new, person)

        return self._deciding(by, work)

    def defaults(self, *, by: By = None) -> tuple[Channel, ...]:
        """What administrators set for each channel that is configured; everybody may read it."""
        with self._reading(by) as (unit, _):
            return tuple(unit.get(Channel, name) or Channel(name=name) for name in self._names())

    def set_default(
        self, channel: str, *, on: bool | None = None, modes: Modes | None = None, by: By = None
    ) -> Channel:
        """Switch a channel on or off, and say what holds for who chose nothing (APPLICATION_ADMIN).

        Args:
            channel: name of a notifier of the configuration that receives notices.
            on: False: nobody is told this way, whatever they chose; None: as it is.
            modes: one for everything, or by kind of notice; in place of those before. None: as
                they are.
            by: who sets it.

        Raises:
            InvalidInput: naming each kind and mode that is none.
            NotFound: there is no such channel.
            NotAllowed.
        """
        check_id(channel, "channel")
        problems: list[Problem] = []
        wanted = None if modes is None else _modes(modes, "modes", problems)
        if problems:
            raise InvalidInput("cannot set this default", problems=problems)
        if on is not None:
            check_flag(on, "on")

        def work(unit: Unit, facts: Facts) -> Channel:
            require("preference.set_default", roles_in(facts), facts, f"channel {channel}")
            if channel not in self._names():
                raise NotFound("set", "channel", channel)
            known = unit.get(Channel, channel) or Channel(name=channel)
            new = Channel(
                name=channel,
                on=known.on if on is None else on,
                modes=known.modes if wanted is None else wanted,
                revision=known.revision,
            )
            if new == known:
                return known
            unit.log("channel.updated", f"channel:{channel}", on=new.on, modes=new.modes)
            return unit.save(new)

        return self._deciding(by, work)

    def _names(self) -> list[str]:
        known = self._context.sender.configured
        return sorted(name for name, each in known.items() if "notice" in each.receives)

    def _view(self, unit: Unit, chosen: PersonPreferences | None, person: str) -> PreferencesView:
        own = chosen or PersonPreferences(person=person)

        def choice(name: str) -> ChannelChoice:
            channel = unit.get(Channel, name)
            return ChannelChoice(
                name=name,
                on=channel is None or channel.on,
                modes=FrozenMap({kind: mode_of(channel, own, name, kind) for kind in KINDS}),
                chosen=own.channels.get(name, FrozenMap()),
            )

        return PreferencesView(
            person=person,
            channels=tuple(choice(name) for name in self._names()),
            quiet_hours=own.quiet_hours,
            digest_at=own.digest_at,
        )

    def _channels(
        self, given: Mapping[str, Modes] | None, problems: list[Problem]
    ) -> FrozenMap[str, FrozenMap[str, Mode]]:
        if given is None:
            return FrozenMap()
        if not isinstance(given, Mapping):
            problems.append(Problem("channels", "must be a mapping"))
            return FrozenMap()
        known = self._names()
        wanted: dict[str, FrozenMap[str, Mode]] = {}
        for name, modes in given.items():
            if name not in known:
                names = ", ".join(known) or "none is configured"
                problems.append(Problem("channels", f"names one that is unknown; known: {names}"))
            else:
                wanted[name] = _modes(modes, f"channels.{name}", problems)
        return FrozenMap(wanted)


def _own(facts: Facts, person: str, verb: str) -> None:
    roles = {"self"} if facts.id == check_id(person, "person") else roles_in(facts)
    if not allowed("preference.choose", roles):
        raise NotFound(verb, "preferences", person)


def _modes(given: object, path: str, problems: list[Problem]) -> FrozenMap[str, Mode]:
    modes = given if isinstance(given, Mapping) else {EVERY: given}
    found: dict[str, Mode] = {}
    for kind, wanted in modes.items():
        if kind not in (*KINDS, EVERY):
            problems.append(Problem(path, "names a kind of notice that is unknown"))
            continue
        mode = next((each for each in MODES if each == wanted), None)
        if mode is None:
            problems.append(Problem(path, f"must be one of {', '.join(MODES)}"))
        else:
            found[kind] = mode
    return FrozenMap(found)


def _quiet(given: object, problems: list[Problem]) -> QuietHours | None:
    if given is None:
        return None
    if not isinstance(given, QuietHours):
        problems.append(Problem("quiet_hours", "must be QuietHours(begins, ends)"))
        return None
    begins = _at(given.begins, "quiet_hours.begins", problems)
    ends = _at(given.ends, "quiet_hours.ends", problems)
    if begins and begins == ends:
        problems.append(Problem("quiet_hours", "must end at another time than they begin"))
    return given


def _at(given: object, path: str, problems: list[Problem]) -> str:
    if given is None and path == "digest_at":
        return ""
    try:
        time_of(given if isinstance(given, str) else "")
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return ""
    return str(given)
