"""Tokens of a user pool that an environment makes for itself are accepted as those of any issuer."""

import dataclasses
import json
from typing import Any

import pytest

from infra.environments import DEV, OwnIssuer
from tests.infra.conftest import synthesised
from tests.infra.edges import assert_all_edges_hold
from tests.infra.templates import Template, target
from watchlist.deployment.functions import LIVE_AUTHORIZER
from watchlist.deployment.routes import JOBS, PAGE_ROUTES

OWN = dataclasses.replace(DEV, name="own", jwt=OwnIssuer(), keeps_data=True)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesised(OWN, tmp_path_factory.mktemp("own"))


def test_nobody_signs_up_unasked(own: Template) -> None:
    pool = own.the("AWS::Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["DeletionProtection"] == "ACTIVE"
    (resource,) = own.of_type("AWS::Cognito::UserPool").values()
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


def test_sign_up_is_one_setting(tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = dataclasses.replace(DEV, name="open", jwt=OwnIssuer(sign_up=True))
    template = synthesised(environment, tmp_path_factory.mktemp("open"))
    assert template.the("AWS::Cognito::UserPool")["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": False}


def test_the_page_signs_in_with_a_public_client_that_comes_back_to_it(own: Template) -> None:
    client = own.the("AWS::Cognito::UserPoolClient")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert {"email", "openid", "profile"} == set(client["AllowedOAuthScopes"])
    (back,) = client["CallbackURLs"]
    assert "HttpApi" in json.dumps(back)
    assert back["Fn::Join"][1][-1] == "/"


def test_tokens_of_the_pool_are_accepted_everywhere(own: Template) -> None:
    (client,), (pool,) = own.of_type("AWS::Cognito::UserPoolClient"), own.of_type("AWS::Cognito::UserPool")
    authorizer = next(
        each for each in own.properties("AWS::ApiGatewayV2::Authorizer").values() if each["AuthorizerType"] == "JWT"
    )
    assert authorizer["JwtConfiguration"]["Audience"] == [{"Ref": client}]
    assert _references(authorizer["JwtConfiguration"]["Issuer"]) >= {pool}
    variables = own.functions()[LIVE_AUTHORIZER.name]["Environment"]["Variables"]
    assert variables["JWT_AUDIENCE"] == {"Ref": client}
    assert variables["JWT_ISSUER"] == authorizer["JwtConfiguration"]["Issuer"]
    assert variables["OPERATOR_CLAIM"] == "cognito:groups"
    group = own.the("AWS::Cognito::UserPoolGroup")
    assert group["GroupName"] == variables["OPERATOR_VALUE"] == "operators"
    page = own.functions()[PAGE_ROUTES[0].function.name]["Environment"]["Variables"]
    assert page["PAGE_CLIENT_ID"] == {"Ref": client}
    assert _references(page["PAGE_SIGN_IN_ORIGINS"]) & set(own.of_type("AWS::Cognito::UserPoolDomain"))
    assert own.functions()[JOBS.function.name]["Environment"]["Variables"]["OPERATOR_CLAIM"] == "cognito:groups"


def _references(value: Any) -> set[str | None]:
    if isinstance(value, dict):
        return {target(value)} | {each for part in value.values() for each in _references(part)}
    if isinstance(value, list):
        return {each for part in value for each in _references(part)}
    return set()


def test_what_services_hand_over_arrives_here_as_well(own: Template) -> None:
    assert_all_edges_hold(own)
