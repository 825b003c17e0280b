"""The plugin host: finds plugins, checks what they offer, and keeps one's failure from the others.

pluggy isolates nothing, so every implementation is called by itself here. What is wrong with a
plugin is written down beside its name; it is an error only for who selects what it offers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from marketplace_sdk._plugins.asking import ask, fitting, guarded, is_text, is_verdict
from marketplace_sdk._plugins.loading import Loaded
from marketplace_sdk._plugins.offers import (
    COMMAND,
    DIRECTORY,
    ENGINE,
    NOTIFIER,
    PROVISIONER,
    QUESTION_TYPE,
    STORAGE,
    Kind,
    PluginInfo,
)
from marketplace_sdk.errors import PluginError
from marketplace_sdk.plugin import (
    AddStage,
    CommandSpec,
    DirectorySpec,
    EngineSpec,
    NotifierSpec,
    ProvisionerSpec,
    QuestionTypeSpec,
    Refuse,
    Shorten,
    StorageSpec,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marketplace_sdk.domain.forms import RequestForm
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.ports.provisioner import Change

__all__ = ["PluginHost"]

T = TypeVar("T")


class PluginHost:
    """The plugins of one marketplace. Nothing here is shared between two hosts.

    Args:
        discover: whether to look for installed plugins; without it only what is built in and what
            is passed in ``extra`` is there, and no entry point is read.
        block: names of plugins that are not loaded.
        extra: plugin modules or objects, passed in code.

    Raises:
        PluginError: something is wrong with a plugin in ``extra``.
    """

    def __init__(
        self, *, discover: bool = True, block: Collection[str] = (), extra: Iterable[object] = ()
    ) -> None:
        self._loaded = Loaded(discover=discover, block=block, extra=extra)

    # What can be chosen by name.

    def storage(self, name: str) -> StorageSpec:
        """The storage of that name. Raises PluginError, as all of these do: see ``_select``."""
        return self._select(STORAGE, name)

    def directory(self, name: str) -> DirectorySpec:
        """The directory of that name."""
        return self._select(DIRECTORY, name)

    def provisioner(self, name: str) -> ProvisionerSpec:
        """The data platform of that name."""
        return self._select(PROVISIONER, name)

    def notifier(self, name: str) -> NotifierSpec:
        """The notifier of that name."""
        return self._select(NOTIFIER, name)

    def engine(self, name: str) -> EngineSpec:
        """The engine of that name."""
        return self._select(ENGINE, name)

    def question_types(self) -> dict[str, QuestionTypeSpec]:
        """Every usable kind of question by name; one that is broken or doubled is not there."""
        return {spec.name: spec for spec in self._usable(QUESTION_TYPE)}

    def question_checks(self) -> dict[str, Callable[[Any], str]]:
        """By kind of question, what says whether an answer fits; one that breaks refuses it.

        An answer must fit the kind's schema, and then please its check.
        """
        return {
            name: guarded(fitting(spec), self.provenance(QUESTION_TYPE.name, name))
            for name, spec in self.question_types().items()
        }

    def commands(self) -> list[CommandSpec]:
        """Every usable sub-command, by name; one that is broken or doubled is not there."""
        return self._usable(COMMAND)

    def provenance(self, kind: str, name: str) -> str:
        """Who offers a name, such as ``marketplace-sdk-x 1.0 (plugin x)``; empty: nobody does."""
        return " and ".join(
            str(offer.plugin) for offer in self._loaded.offers.get((kind, name), ())
        )

    def describe(self) -> list[PluginInfo]:
        """Every plugin with what it provides and what is wrong with it, built-in ones first."""
        return [
            PluginInfo(
                name=each.info.name,
                distribution=each.info.distribution,
                version=each.info.version,
                provides=tuple(each.provides),
                problems=tuple(each.problems),
                blocked=each.info.blocked,
            )
            for each in self._loaded.plugins
        ]

    # Guard-rails.

    @property
    def checks_requests(self) -> bool:
        """Whether any plugin has something to say about requests."""
        return bool(self._loaded.manager.hook.marketplace_check_request.get_hookimpls())

    def check_request(
        self, request: AccessRequest, product: DataProduct, form: RequestForm, person: Person
    ) -> list[Refuse | AddStage | Shorten]:
        """What plugins say about a request before it is kept.

        A plugin that raises, or answers with something else, refuses the request: its one answer
        then is a Refuse that names it.
        """
        arguments = {"request": request, "product": product, "form": form, "person": person}
        answers: list[Refuse | AddStage | Shorten] = []
        for plugin, result in ask(self._loaded, "marketplace_check_request", arguments, is_verdict):
            answers += [Refuse(f"{plugin} {result}")] if isinstance(result, str) else result
        return answers

    def check_plan(
        self, plan: Sequence[Change], grant: Grant | None, product: DataProduct | None
    ) -> list[str]:
        """What plugins have against the changes of one pass.

        A plugin that raises, or answers with something else, counts as a problem that names it.
        """
        arguments = {"plan": plan, "grant": grant, "product": product}
        problems: list[str] = []
        for plugin, result in ask(self._loaded, "marketplace_check_plan", arguments, is_text):
            problems += [f"{plugin} {result}"] if isinstance(result, str) else result
        return problems

    # Loading.

    # Choosing.

    def _select(self, kind: Kind[T], name: str) -> T:
        """The one sound offer of a name.

        Raises:
            PluginError: nobody offers it, several do, or its plugin is broken or blocked. The
                message names the plugins concerned and what could be chosen.
        """
        offers = self._loaded.offers.get((kind.name, name), [])
        choices = ", ".join(self._names(kind)) or "nothing"
        failed = f"cannot use {kind.name} {name}"
        if not offers:
            lame = [
                f"{each}: {'; '.join(each.problems) or 'blocked'}"
                for each in self._loaded.plugins
                if each.info.blocked or each.problems
            ]
            among = f"; not available: {' / '.join(lame)}" if lame else ""
            raise PluginError(
                f"{failed}: no plugin offers it{among}",
                hint=f"choose one of {choices}, or install the plugin that brings it",
            )
        if len(offers) > 1:
            raise PluginError(
                f"{failed}: it is offered by {self.provenance(kind.name, name)}",
                hint=f"uninstall or block one of them, or choose one of {choices}",
            )
        (offer,) = offers
        if offer.trouble:
            raise PluginError(
                f"{failed}: {offer.plugin}: {offer.trouble}",
                hint=f"update or repair the plugin, or choose one of {choices}",
            )
        spec: T = offer.spec
        return spec

    def _usable(self, kind: Kind[T]) -> list[T]:
        return [self._loaded.offers[kind.name, name][0].spec for name in self._names(kind)]

    def _names(self, kind: Kind[Any]) -> list[str]:
        return sorted(
            name
            for (sort, name), offers in self._loaded.offers.items()
            if sort == kind.name and len(offers) == 1 and not offers[0].trouble
        )
