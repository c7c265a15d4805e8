"""The description of the API (OpenAPI 3.1): what FastAPI knows, and what our door adds to it.

Every operation says what it needs, and how it is refused: problem details of RFC 9457.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from orchestrator.access.roles import Scope
from orchestrator.dashboard.api.answers import PREFIX, SCOPE_KEY, TAGGED_KEY
from orchestrator.dashboard.api.models import Problem
from orchestrator.service.acts import ACTS

__all__ = ["describe"]

_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PLAIN: Final = {"text/plain": {"schema": {"type": "string"}}}
_WHY: Final = {
    "400": "The body is no JSON at all, or it is larger than was said.",
    "401": "Nobody has shown who asks.",
    "403": "Whoever asks may not do that, or the form is not of their session.",
    "404": "It is not there.",
    "409": "It cannot be done in the present state, or the page was too old; nothing was done.",
    "413": "The request is too large.",
    "421": "This server is not called by that name.",
    "422": "Something in the request is not as expected; `detail` names each problem.",
    "429": "Too often; `Retry-After` says when.",
    "500": "The log cannot be read, or something is wrong with Athanor itself.",
    "503": "The log cannot be used now; nothing was done, unless stations say so.",
}
_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "`athanor tokens add` or `POST /api/v1/tokens` makes one.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "athanor",
        "description": "Of a browser; writes bring the session's secret as `X-CSRF-Token` too.",
    },
}

Json = dict[str, Any]
"""As FastAPI builds it: nested to any depth."""


def describe(app: FastAPI) -> None:
    """Have an app describe itself whole.

    Args:
        app: With all of its routes.
    """

    def openapi() -> Json:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            _complete(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _complete(schema: Json) -> None:
    components = schema.setdefault("components", {})
    models = components.setdefault("schemas", {})
    models["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        models.pop(unused, None)
    components["securitySchemes"] = dict(_SCHEMES)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)


def _complete_operation(path: str, method: str, operation: Json) -> None:
    is_open = path == f"{PREFIX}/health"
    act = ACTS.get(path.removeprefix(f"{PREFIX}/acts/"))
    scope = operation.setdefault(SCOPE_KEY, str(act.scope if act is not None else Scope.READ))
    if is_open:
        del operation[SCOPE_KEY]
    else:
        operation["security"] = [{"token": []}, {"session": []}]
        said = f"Needs the scope `{scope}`."
        if said not in operation.get("description", ""):
            operation["description"] = f"{operation.get('description', '')}\n\n{said}".strip()
    responses = operation["responses"]
    for status in _statuses(path, method, is_open=is_open):
        known = responses.get(status, {})
        if status == "503" and is_open:
            continue
        content = _PLAIN if status == "421" else _PROBLEM
        if status in ("403", "413"):
            content = {**_PROBLEM, **_PLAIN}
        responses[status] = {"description": known.get("description", _WHY[status])}
        responses[status]["content"] = content
    if operation.pop(TAGGED_KEY, False):
        responses["304"] = {"description": "The log has not moved since (`If-None-Match`)."}


def _statuses(path: str, method: str, *, is_open: bool) -> list[str]:
    """Return how an operation may be refused."""
    if is_open:
        return ["421"]
    found = ["401", "403", "421", "422", "429", "500", "503"]
    if "{" in path:
        found.append("404")
    if method != "get" or path == "/stream":
        found += ["400", "409", "413"]
    return sorted(found)
