"""POST /activity/user-watchlist-added: put a repository on a user's watchlist."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from functions import http_api, startup
from functions.documented import problems
from functions.problems import ProblemCode
from watchlist import clock, entries, function_specs, limits, routes
from watchlist.alert_settings import AlertSettings
from watchlist.entries import Watch
from watchlist.repository_url import parse_repository_url
from watchlist.states import EntryStatus

settings, logger = startup.start(function_specs.ADD_REPOSITORY.settings, function_specs.ADD_REPOSITORY.name)
queue = startup.job_queue(settings)
router = APIGatewayHttpRouter()

_MESSAGES = {
    EntryStatus.PROCESSING: "Repository added to watchlist. Background processing will begin shortly.",
    EntryStatus.READY: "Repository added to watchlist. It has been analysed already.",
    EntryStatus.FAILED: "Repository added to watchlist. Its processing has failed; it can be retried.",
}
