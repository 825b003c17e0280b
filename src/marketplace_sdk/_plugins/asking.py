"""Asking the guard-rails of plugins, one plugin at a time: whatever one does, it fails closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from marketplace_sdk._plugins.offers import Plugin, stream
from marketplace_sdk.domain.durations import Duration
from marketplace_sdk.domain.review import Stage
from marketplace_sdk.plugin import AddStage, Refuse, Shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sdk._plugins.loading import Loaded
    from marketplace_sdk.plugin import QuestionTypeSpec

__all__ = ["ask", "fitting", "guarded", "is_text", "is_verdict"]

_log = logging.getLogger(__name__)


def ask(
    loaded: Loaded, hook: str, arguments: Mapping[str, Any], fits: Callable[[Any], bool]
) -> Iterator[tuple[Plugin, list[Any] | str]]:
    """Each plugin's answers, or as text why there are none.

    Args:
        loaded: the plugins.
        hook: a guard-rail.
        arguments: of the hook, by name.
        fits: whether an answer is one that the hook has.
    """
    for call in reversed(getattr(loaded.manager.hook, hook).get_hookimpls()):
        if call.hookwrapper or call.wrapper:
            continue
        plugin = loaded.by_key[call.plugin_name]
        try:
            answers = list(stream(call.function(*(arguments[name] for name in call.argnames))))
        except Exception as error:  # noqa: BLE001  # a guard-rail fails closed, whatever it raises
            # Only type and place: the text of an error may quote a form's answers.
            _log.error("%s: %s raised %s at %s", hook, plugin, *_raised(error))
            yield plugin, f"could not check it ({type(error).__name__})"
            continue
        wrong = [type(each).__name__ for each in answers if not fits(each)]
        if wrong:
            yield plugin, f"gave an answer that the check does not have ({wrong[0]})"
        else:
            yield plugin, answers


def guarded(check: Callable[[Any], str], plugin: str) -> Callable[[Any], str]:
    """A plugin's check of an answer that says so when it breaks."""

    def safe(answer: Any) -> str:
        try:
            wrong = check(answer)
        except Exception as error:  # noqa: BLE001  # a guard-rail fails closed, whatever it raises
            # Only type and place: the text of an error may quote the answer.
            _log.error("check of an answer: %s raised %s at %s", plugin, *_raised(error))
            return f"cannot be checked: {plugin} failed ({type(error).__name__})"
        if not isinstance(wrong, str):
            return f"cannot be checked: {plugin} said {type(wrong).__name__}, not text"
        return wrong

    return safe


def fitting(spec: QuestionTypeSpec) -> Callable[[Any], str]:
    """The check of a kind of question behind its schema, as portals have it, too."""

    def check(answer: Any) -> str:
        # Only forms with questions of plugins need it.
        from jsonschema import Draft202012Validator

        from marketplace_sdk.wire.codec import plain

        if not Draft202012Validator(spec.json_schema).is_valid(plain(answer)):
            return "does not fit what the question asks for"
        return spec.check(answer)

    return check


def is_verdict(answer: object) -> bool:
    """Whether a plugin may say that of a request."""
    if isinstance(answer, Refuse):
        return isinstance(answer.reason, str)
    if isinstance(answer, AddStage):
        return isinstance(answer.stage, Stage)
    return isinstance(answer, Shorten) and isinstance(answer.duration, Duration)


def is_text(answer: object) -> bool:
    """Whether a plugin may say that of a plan."""
    return isinstance(answer, str)


def _raised(error: BaseException) -> tuple[str, str]:
    """Type of an error and where it was raised."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "an unknown place"
    return type(error).__name__, place
