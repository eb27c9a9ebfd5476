"""Authorizer of the WebSocket API's `$connect` where tokens are accepted: whoever opens it acts as the token's subject.

A token that proves nothing is answered with a policy that denies (403): an exception would be an error of the function,
by which strangers could ring its alarm. An issuer that cannot be asked is one: the client sees 500, and tries again.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.lambda_function import LambdaFunction
from functions.live import bearer, tokens
from functions.live.callers import OPERATOR
from functions.live.issuer_keys import IssuerKeys
from functions.live.tokens import InvalidTokenError, TokenRules
from functions.operators import Operators
from watchlist import clock
from watchlist.deployment import functions as function_specs

function = LambdaFunction(function_specs.LIVE_AUTHORIZER)
logger = function.logger
rules = function.part(lambda settings: TokenRules(settings.jwt_issuer, settings.jwt_audience))
issuer = function.part(lambda settings: IssuerKeys(settings.jwt_issuer))

_NOBODY = "nobody"


@function.handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Return a policy that lets the token's subject connect, or nobody.

    Raises:
        IssuerUnavailableError: the token cannot be checked now.
    """
    del context
    try:
        claims = tokens.claims_of(bearer.token_of(event), rules(), issuer().keys_for, clock.now())
    except InvalidTokenError as error:
        logger.info("token refused", reason=str(error))
        return _policy(_NOBODY, "Deny", event["methodArn"])
    settings = function.settings
    is_operator = Operators(settings.operator_claim, settings.operator_value).include(claims)
    return _policy(claims["sub"], "Allow", event["methodArn"]) | {"context": {OPERATOR: is_operator}}


def _policy(principal: str, effect: str, method: str) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method}
    return {"principalId": principal, "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
