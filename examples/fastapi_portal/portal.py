"""A portal over HTTP: find a product, fill in its form, ask, decide, and see where it stands.

``uvicorn --factory portal:main`` serves it for the marketplace of ``marketplace.toml``; what is
decided is carried out by ``marketplace worker`` beside it. ``/docs`` lists the calls.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from marketplace_sdk import (
    AccessRequest,
    DataProduct,
    InvalidInput,
    Marketplace,
    MarketplaceError,
    Page,
    RequestForm,
)


def signed_in(x_remote_user: Annotated[str, Header()] = "") -> str:
    """Who asks. WARNING: anybody can send this header; replace it before people use the portal.

    Behind a proxy that signs people in and *overwrites* the header it may stay. Otherwise read
    your session cookie or verify your token here, and return the id of that person; never take it
    from a body or a query. ``app.dependency_overrides[signed_in] = yours`` puts another in place.
    """
    if not x_remote_user:
        raise HTTPException(401, "sign in first")
    return x_remote_user


By = Annotated[str, Depends(signed_in)]


class Wish(BaseModel):
    """What somebody asks with: answers as the form's schema says."""

    answers: dict[str, Any] = {}
    acknowledge: list[str] = []
    form_version: str | None = None
    id: str | None = None


class Decision(BaseModel):
    """What a steward says, and to which state of the request."""

    verdict: Literal["approve", "deny"]
    reason: str
    days: int | None = Field(default=None, ge=1)
    revision: int | None = None


def product_json(product: DataProduct) -> dict[str, Any]:
    names = ("id", "name", "domain", "description", "state", "status")
    return {name: getattr(product, name) for name in names} | {"tags": sorted(product.tags)}


def request_json(request: AccessRequest) -> dict[str, Any]:
    names = ("id", "kind", "state", "product", "product_name", "requester", "revision", "until")
    return {name: getattr(request, name) for name in names}


def page_json(page: Page[Any], one: Any) -> dict[str, Any]:
    return {"items": [one(each) for each in page], "next": page.next}


def refused(_: Request, error: Exception) -> JSONResponse:
    """Every error of the marketplace knows its status; its message is safe to show."""
    assert isinstance(error, MarketplaceError)
    problems = error.problems if isinstance(error, InvalidInput) else ()
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    return JSONResponse(
        body | {"problems": [each._asdict() for each in problems]}, error.http_status
    )


def portal(market: Marketplace) -> FastAPI:
    """The portal of one marketplace, which whoever made it closes."""
    app = FastAPI(title="Data marketplace")
    app.add_exception_handler(MarketplaceError, refused)

    # Plain functions: FastAPI runs them in threads, and a marketplace may be used from several.
    @app.get("/products")
    def products(by: By, q: str = "", after: str | None = None, limit: int = 20) -> dict[str, Any]:
        return page_json(market.products.search(q, after=after, limit=limit, by=by), product_json)

    @app.get("/products/{id}")
    def product(id: str, by: By) -> dict[str, Any]:
        return product_json(market.products.get(id, by=by))

    @app.get("/products/{id}/form")
    def form(id: str, by: By) -> dict[str, Any]:
        found: RequestForm = market.forms.get(
            market.products.get(id, by=by).form or "standard", by=by
        )
        return {
            "version": found.current.id,
            "schema": found.json_schema(market.forms.kinds(by=by)),
            "ui_schema": found.ui_schema(),
            "agreements": [
                {"id": each.id, "name": each.name, "body": each.body}
                for each in found.current.agreements
            ],
        }

    @app.post("/products/{id}/requests", status_code=201)
    def ask(id: str, wish: Wish, by: By) -> dict[str, Any]:
        asked = market.requests.request_access(id, **wish.model_dump(), by=by)
        return request_json(asked)

    @app.get("/queue")
    def queue(by: By, after: str | None = None) -> dict[str, Any]:
        return page_json(market.requests.awaiting(after=after, by=by), request_json)

    @app.get("/requests/{id}")
    def explain(id: str, by: By) -> dict[str, Any]:
        told = market.requests.explain(id, by=by)
        answers = dict(market.requests.get(id, by=by).answers)
        return {"state": told.state, "text": told.text, "until": told.until, "answers": answers}

    @app.post("/requests/{id}/decision")
    def decide(id: str, said: Decision, by: By) -> dict[str, Any]:
        if said.verdict == "deny":
            done = market.requests.deny(id, reason=said.reason, revision=said.revision, by=by)
            return request_json(done)
        until = None if said.days is None else timedelta(days=said.days)
        return request_json(
            market.requests.approve(
                id, reason=said.reason, until=until, revision=said.revision, by=by
            )
        )

    return app


def main() -> FastAPI:
    """For ``uvicorn --factory``."""
    return portal(Marketplace.from_config())
