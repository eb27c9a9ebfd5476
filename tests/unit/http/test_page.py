"""What a browser gets at the page's addresses."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from functions.http.page import BUILT, Page, codings, content_security_policy, nothing, told
from watchlist.health.scorecard import WEIGHTS
from watchlist.health.verdict import VerdictState
from watchlist.settings import PageSettings, SettingsError, load

SHELL = '<meta name="watchlist-settings" content="{settings}"><script src="/assets/main-ABC.js"></script>'
SCRIPT = b"console.log(1)"
OPEN = load(PageSettings, {"API_ACCESS": "open", "LIVE_URL": "ws://127.0.0.1:3001"})
WITH_TOKENS = load(
    PageSettings,
    {
        "API_ACCESS": "token",
        "LIVE_URL": "wss://live.example.org/live",
        "JWT_ISSUER": "https://login.example.org/pool",
        "PAGE_CLIENT_ID": "page",
        "PAGE_SIGN_IN_ORIGINS": "https://auth.example.org",
    },
)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def page(tmp_path: Path) -> Page:
    asset = {"type": "text/javascript", "etag": "abc", "br": encoded(b"brotli"), "gzip": encoded(gzip.compress(SCRIPT))}
    built = tmp_path / "page.json"
    built.write_text(json.dumps({"shell": SHELL, "assets": {"/assets/main-ABC.js": asset}}))
    read = Page.read(built, OPEN)
    assert read is not None
    return read


def body_of(answer: dict[str, Any]) -> bytes:
    return base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()


@pytest.mark.parametrize("path", ["/", "/alerts", "/channels", "/ops", "/compare", "/r/watchlist_a_b_1"])
def test_every_address_of_the_page_gets_the_shell_which_is_asked_for_each_time(page: Page, path: str) -> None:
    answer = page.answer(path, {})
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "no-cache"
    assert b"/assets/main-ABC.js" in body_of(answer)


def test_the_shell_holds_the_settings_as_text_that_ends_no_attribute(tmp_path: Path) -> None:
    built = tmp_path / "page.json"
    built.write_text(json.dumps({"shell": SHELL, "assets": {}}))
    settings = WITH_TOKENS.model_copy(update={"page_client_id": '"><script>'})
    page = Page.read(built, settings)
    assert page is not None
    shell = body_of(page.answer("/", {})).decode()
    assert "<script>" not in shell.replace('<script src="/assets/main-ABC.js">', "")
    assert "&quot;access&quot;: &quot;token&quot;" in shell


def test_an_asset_holds_for_ever_and_comes_in_the_best_coding_that_is_accepted(page: Page) -> None:
    for accepted, coding, body in (("gzip, deflate, br", "br", b"brotli"), ("gzip", "gzip", gzip.compress(SCRIPT))):
        answer = page.answer("/assets/main-ABC.js", {"accept-encoding": accepted})
        assert answer["headers"]["Content-Encoding"] == coding
        assert answer["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"
        assert body_of(answer) == body
    plain = page.answer("/assets/main-ABC.js", {})
    assert ("Content-Encoding" in plain["headers"], body_of(plain)) == (False, SCRIPT)


def test_what_the_browser_has_already_is_not_sent_again(page: Page) -> None:
    etag = page.answer("/", {})["headers"]["ETag"]
    answer = page.answer("/", {"if-none-match": etag})
    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert page.answer("/", {"if-none-match": '"another"'})["statusCode"] == 200


def test_a_file_of_another_version_is_not_there_and_nobody_keeps_that(page: Page) -> None:
    answer = page.answer("/assets/main-OLD.js", {})
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (404, "no-store")


def test_a_service_without_a_built_page_says_how_to_build_it(tmp_path: Path) -> None:
    assert Page.read(tmp_path / "page.json", OPEN) is None
    assert "make page" in nothing()["body"]


def test_a_coding_with_the_weight_nothing_is_not_accepted() -> None:
    assert codings("br;q=0, gzip; q=0.5, identity;q=0.0") == {"gzip"}


def test_the_page_may_ask_its_own_address_and_the_live_one_and_load_nothing_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in content_security_policy(OPEN).split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://127.0.0.1:3001"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in content_security_policy(OPEN)


def test_the_page_may_ask_the_issuer_where_it_signs_people_in() -> None:
    policy = content_security_policy(WITH_TOKENS)
    assert "connect-src 'self' wss://live.example.org https://login.example.org https://auth.example.org; " in policy


def test_the_page_is_told_who_is_let_in_and_no_secret() -> None:
    assert told(WITH_TOKENS) == {
        "access": "token",
        "live_url": "wss://live.example.org/live",
        "issuer": "https://login.example.org/pool",
        "client_id": "page",
    }


def test_tokens_of_nobody_are_a_mistake_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="JWT_ISSUER"):
        load(PageSettings, {"API_ACCESS": "token"})


def test_the_file_that_is_built_is_the_one_that_is_read() -> None:
    root = Path(__file__).parents[3]
    build = (root / "page" / "build.mjs").read_text()
    assert root / "functions" / "http" / "page.json" == BUILT
    assert 'join(root, "functions", "http", "page.json")' in build


def test_the_page_knows_the_weights_of_checks_and_the_order_of_verdicts_as_the_domain_has_them() -> None:
    source = Path(__file__).parents[3] / "page" / "src"
    risks = (source / "repository" / "risks.ts").read_text()
    weights = {
        name: float(weight)
        for name, weight in re.findall(r"(\w+): ([\d.]+)", risks.partition("WEIGHTS = ")[2].partition("}")[0])
    }
    listed = re.findall(r'"?([\w-]+)"?: "(\w+)"', risks.partition("RISKS")[2].partition("};")[0])
    assert {check: weights[risk] for check, risk in listed} == WEIGHTS
    verdicts = (source / "verdicts.ts").read_text().partition("= [")[2]
    assert re.findall(r'"(\w+)"', verdicts) == list(VerdictState)
