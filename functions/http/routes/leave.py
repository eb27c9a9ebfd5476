"""The link of a weekly report that ends it. Opening it only asks: chat services open links to show what is there."""

from html import escape
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from functions import startup
from functions.http import api as http_api
from functions.http import responses
from functions.http.parameters import ChannelId, Token
from functions.http.problems import ProblemCode
from watchlist import clock
from watchlist.deployment import routes
from watchlist.notifications import channels
from watchlist.storage.transactions import retried

function = startup.Function(routes.LEAVE.function)
router = http_api.router()

_HEADERS: dict[str, str | list[str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Weekly report</title>
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>Weekly report</h1>{body}</main></body></html>
"""
_ANSWERS = responses.of(
    {200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
    ProblemCode.INVALID_FIELDS,
    ProblemCode.NOT_FOUND,
)


@router.get(
    http_api.rule(routes.LEAVE),
    summary="Ask whether weekly reports shall end",
    operation_id="askToLeave",
    tags=["notifications"],
    responses=_ANSWERS,
)
def ask_to_leave(channel_id: ChannelId, token: Token) -> Response[str]:
    """Show a page with one button, which sends the same address by POST."""
    name = channels.settings_of(channels.find_to_leave(channel_id, token)).name
    body = f"<p>To {escape(name)}.</p><form method=post><button>Stop the weekly reports</button></form>"
    return _page(body)


@router.post(
    http_api.rule(routes.LEAVE_NOW),
    summary="End weekly reports",
    operation_id="leave",
    tags=["notifications"],
    responses=_ANSWERS,
)
def leave(channel_id: ChannelId, token: Token) -> Response[str]:
    """Send no weekly report to this channel any more; alerts go on."""

    def change(_: int) -> None:
        channel = channels.find_to_leave(channel_id, token)
        settings = channels.settings_of(channel)
        if settings.weekly_report:
            channels.change(channel, settings.model_copy(update={"weekly_report": False}), clock.now())

    retried(change)
    return _page("<p>No more weekly reports come here. Alerts do, by the channel's rules.</p>")


def _page(body: str) -> Response[str]:
    return Response(HTTPStatus.OK, "text/html; charset=utf-8", _PAGE.format(body=body), headers={**_HEADERS})


handler = http_api.handler(function, router)
