"""Errors of the marketplace as answers."""

from __future__ import annotations

from django.http import JsonResponse

from marketplace_sdk import InvalidInput, MarketplaceError


class refusals:  # noqa: N801  # named in settings, like Django's own functions
    """Answers with the status and the message that the error has; both are safe to show."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, _, error):
        if not isinstance(error, MarketplaceError):
            return None
        problems = error.problems if isinstance(error, InvalidInput) else ()
        body = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "problems": [each._asdict() for each in problems],
        }
        return JsonResponse(body, status=error.http_status)
