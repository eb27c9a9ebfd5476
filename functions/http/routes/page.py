"""GET / and the other addresses of `routes.PAGE_ROUTES`: the page. It holds nothing of anybody."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.http.page import BUILT, Answer, Page, nothing
from functions.lambda_function import LambdaFunction
from watchlist.deployment import routes

function = LambdaFunction(routes.PAGE_ROUTES[0].function)
page = function.part(lambda settings: Page.read(BUILT, settings))


@function.handler
def handler(event: dict[str, Any], context: LambdaContext) -> Answer:
    """Answer one request of a browser."""
    del context
    built = page()
    return nothing() if built is None else built.answer(event["rawPath"], event.get("headers") or {})
