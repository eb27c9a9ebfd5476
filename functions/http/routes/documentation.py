"""GET /openapi.json and /docs: the description of the API, made from the functions by `make openapi`."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.openapi.built import DOCUMENT, PAGE
from watchlist.deployment import routes

function = startup.Function(routes.DOCS.function)
router = http_api.router()

_CACHE_CONTROL = "public, max-age=300"
_NOTHING_FROM_ELSEWHERE = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HEADERS = {"Cache-Control": responses.CACHE_CONTROL}


@router.get(
    http_api.rule(routes.OPENAPI),
    summary="Get this description as JSON",
    operation_id="getOpenapi",
    tags=["documentation"],
    responses=responses.of(
        {
            200: {
                "description": "An OpenAPI 3.1 document.",
                "headers": _HEADERS,
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        }
    ),
)
def get_openapi() -> Response[str]:
    """Answer with the OpenAPI document, for programs."""
    headers = {"Cache-Control": _CACHE_CONTROL}
    return Response(HTTPStatus.OK, "application/json", DOCUMENT.read_text(encoding="utf-8"), headers=headers)


@router.get(
    http_api.rule(routes.DOCS),
    summary="Read this description",
    operation_id="getDocs",
    tags=["documentation"],
    responses=responses.of(
        {
            200: {
                "description": "A page that needs nothing from elsewhere.",
                "headers": _HEADERS,
                "content": {"text/html": {"schema": {"type": "string"}}},
            }
        }
    ),
)
def get_docs() -> Response[str]:
    """Answer with the OpenAPI document as a page, for people."""
    headers = {
        "Cache-Control": _CACHE_CONTROL,
        "Content-Security-Policy": _NOTHING_FROM_ELSEWHERE,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(HTTPStatus.OK, "text/html; charset=utf-8", PAGE.read_text(encoding="utf-8"), headers=headers)


handler = http_api.handler(function, router)
