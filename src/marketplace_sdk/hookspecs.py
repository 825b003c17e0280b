"""The hooks. All of them collect, none is awaited, and an implementation may take fewer arguments.

Each example is a whole plugin module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from marketplace_sdk.plugin import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from marketplace_sdk.domain.forms import RequestForm
    from marketplace_sdk.domain.grants import Grant
    from marketplace_sdk.domain.people import Person
    from marketplace_sdk.domain.products import DataProduct
    from marketplace_sdk.domain.requests import AccessRequest
    from marketplace_sdk.plugin import (
        AddStage,
        Change,
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

__all__ = [
    "marketplace_check_plan",
    "marketplace_check_request",
    "marketplace_commands",
    "marketplace_directories",
    "marketplace_engines",
    "marketplace_notifiers",
    "marketplace_provisioners",
    "marketplace_question_types",
    "marketplace_storages",
]

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker(PROJECT)


@hookspec
def marketplace_storages() -> Iterable[StorageSpec]:
    """Yield places to keep things, chosen by the scheme of the storage URL.

    ::

        @hookimpl
        def marketplace_storages():
            yield StorageSpec(name="acmedb", build=lambda url, context: AcmeStorage(url))
    """
    return ()


@hookspec
def marketplace_directories() -> Iterable[DirectorySpec]:
    """Yield sources of people, groups, attributes, permissions and principals.

    ::

        @hookimpl
        def marketplace_directories():
            yield DirectorySpec(name="ldap", build=lambda settings, context: Ldap(**settings))
    """
    return ()


@hookspec
def marketplace_provisioners() -> Iterable[ProvisionerSpec]:
    """Yield data platforms.

    ::

        @hookimpl
        def marketplace_provisioners():
            yield ProvisionerSpec(name="acme", build=build_acme, capabilities={"unmask"})
    """
    return ()


@hookspec
def marketplace_notifiers() -> Iterable[NotifierSpec]:
    """Yield ways to tell systems (events) or people (notices).

    ::

        @hookimpl
        def marketplace_notifiers():
            yield NotifierSpec(name="pager", build=build_pager, receives={"notice"})
    """
    return ()


@hookspec
def marketplace_engines() -> Iterable[EngineSpec]:
    """Yield engines that run the delivery work instead of calling ``deliver`` yourself.

    ::

        @hookimpl
        def marketplace_engines():
            yield EngineSpec(name="cron", build=lambda settings, context: CronEngine())
    """
    return ()


@hookspec
def marketplace_check_request(
    request: AccessRequest, product: DataProduct, form: RequestForm, person: Person
) -> Sequence[Refuse | AddStage | Shorten]:
    """Look at a request before it is kept; a plugin never approves and never removes a seat.

    A check that raises refuses the request: guard-rails fail closed.

    ::

        @hookimpl
        def marketplace_check_request(request, person):
            return [Refuse("contractors may not ask")] if "contractors" in person.groups else []
    """
    return ()


@hookspec
def marketplace_check_plan(
    plan: Sequence[Change], grant: Grant | None, product: DataProduct
) -> Sequence[str]:
    """Look at the changes of one pass on a platform; every text returned is a problem.

    Problems, and a check that raises, hold back all additions of the pass. Removals are never
    held back: taking access away is always allowed. Previews ask, too, so a check must only look.

    ::

        @hookimpl
        def marketplace_check_plan(plan):
            return ["too many changes at once"] if len(plan) > 1000 else []
    """
    return ()


@hookspec
def marketplace_question_types() -> Iterable[QuestionTypeSpec]:
    """Yield custom kinds of questions for request forms.

    ::

        @hookimpl
        def marketplace_question_types():
            yield QuestionTypeSpec(
                name="COST_CENTRE",
                check=lambda answer: "" if str(answer).isdigit() else "must be digits",
                json_schema={"type": "string", "pattern": "^[0-9]+$"},
            )
    """
    return ()


@hookspec
def marketplace_commands() -> Iterable[CommandSpec]:
    """Yield sub-commands of ``marketplace``.

    ::

        @hookimpl
        def marketplace_commands():
            yield CommandSpec(name="hello", build=build_hello, summary="Says hello.")
    """
    return ()
