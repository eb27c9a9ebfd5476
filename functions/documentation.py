"""GET /openapi.json: the description of the API, made from the functions by `make openapi`."""

from http import HTTPStatus
from pathlib import Path

from aws_lambda_powertools.event_handler import Response

from functions import http_api, startup
from watchlist import function_specs, routes
from watchlist.settings import Settings

settings, logger = startup.start(Settings, function_specs.DOCUMENTATION.name)
router = http_api.router()
DOCUMENT = Path(__file__).with_name("openapi.json")
_TEXT = DOCUMENT.read_text(encoding="utf-8")


@router.get(http_api.rule(routes.OPENAPI), include_in_schema=False)
def get_openapi() -> Response[str]:
    """Answer with the OpenAPI document."""
    return Response(HTTPStatus.OK, "application/json", _TEXT, headers={"Cache-Control": "public, max-age=300"})


handler = http_api.handler(logger, router)
