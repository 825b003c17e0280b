"""Views that call the marketplace as whoever is signed in."""

from __future__ import annotations

from datetime import timedelta

from django.http import JsonResponse
from django.views.decorators.http import require_GET, require_POST

from access.apps import market


def services(request):
    """The marketplace for one person: ``by=`` is the name that Django signed in, nothing else."""
    return market().acting(request.user.get_username())


def shown(request):
    return {"id": request.id, "product": request.product_name, "state": request.state}


@require_GET
def products(request):
    found = services(request).products.search(
        request.GET.get("q", ""), after=request.GET.get("after")
    )
    items = [{"id": each.id, "name": each.name, "status": each.status} for each in found]
    return JsonResponse({"items": items, "next": found.next})


@require_POST
def ask(request, id):
    answers = {key: value for key, value in request.POST.items() if key != "csrfmiddlewaretoken"}
    asked = services(request).requests.request_access(id, answers=answers)
    return JsonResponse(shown(asked), status=201)


@require_GET
def queue(request):
    waiting = services(request).requests.awaiting(after=request.GET.get("after"))
    return JsonResponse({"items": [shown(each) for each in waiting], "next": waiting.next})


@require_GET
def explain(request, id):
    return JsonResponse({"text": services(request).requests.explain(id).text})


@require_POST
def decide(request, id):
    requests, reason = services(request).requests, request.POST.get("reason", "")
    if request.POST.get("verdict") == "approve":
        days = request.POST.get("days")
        until = timedelta(days=int(days)) if days else None
        return JsonResponse(shown(requests.approve(id, reason=reason, until=until)))
    return JsonResponse(shown(requests.deny(id, reason=reason)))
