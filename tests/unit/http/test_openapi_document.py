import json
import os
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.http.openapi import built
from functions.http.openapi import document as tool
from functions.http.openapi import page as docs_page
from functions.http.problems import ProblemCode, advice_on, describe, retry_after, status_of, title_of
from watchlist.deployment.routes import ROUTES

ROOT = Path(__file__).parents[3]
docs_page.build()
PAGE = built.PAGE.read_text(encoding="utf-8")
DOCUMENT: dict[str, Any] = json.loads(built.DOCUMENT.read_text(encoding="utf-8"))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def examples() -> Iterator[Any]:
    for name, operation in OPERATIONS.items():
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for part, body in bodies.items():
            for media_type, content in body.get("content", {}).items():
                stated = [content[key] for key in ("example",) if key in content]
                stated += [example["value"] for example in content.get("examples", {}).values()]
                yield pytest.param(content["schema"], stated, id=f"{name} {part} {media_type}")


def links() -> Iterator[Any]:
    for operation in OPERATIONS.values():
        for response in operation["responses"].values():
            yield from response.get("links", {}).values()


def required(operation: dict[str, Any]) -> set[str]:
    return {f"{each['in']}.{each['name']}" for each in operation.get("parameters", ()) if each.get("required")}


def test_every_route_that_is_asked_with_an_id_is_led_to_by_an_answer() -> None:
    led_to = {link["operationId"] for link in links()}
    with_ids = {operation["operationId"] for operation in OPERATIONS.values() if required(operation)}

    assert with_ids - led_to == {"askToLeave", "leave", "compare"}, "a report has these addresses; ids to compare"


def test_a_link_says_all_that_its_route_must_be_asked_with() -> None:
    by_id = {operation["operationId"]: operation for operation in OPERATIONS.values()}

    assert [link for link in links() if required(by_id[link["operationId"]]) - link["parameters"].keys()] == []


def test_every_page_leads_to_the_next() -> None:
    paged = [
        key for key, each in OPERATIONS.items() if "cursor" in {name["name"] for name in each.get("parameters", ())}
    ]

    assert paged
    for key in paged:
        answer = OPERATIONS[key]["responses"]["200"]
        if "Link" in answer.get("headers", {}):  # a file's, which has no place for a cursor
            continue
        assert answer["links"]["nextPage"]["parameters"].keys() >= {"query.cursor"}


def test_the_committed_document_is_what_the_functions_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert (tool.main(["--check"]), capsys.readouterr().err) == (0, "")


def test_a_stale_document_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(built, "DOCUMENT", tmp_path / "openapi.json")
    stale = "functions/http/openapi/openapi.json is stale: run `make openapi` and commit it\n"

    assert (tool.main(["--check"]), capsys.readouterr().err) == (1, stale)


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_route_is_documented_and_nothing_else() -> None:
    assert list(OPERATIONS) == [f"{route.method} {route.path}" for route in ROUTES]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_says_what_it_does_and_what_everything_means(operation: dict[str, Any]) -> None:
    assert all(operation[part] for part in ("summary", "description", "operationId", "tags"))
    assert all(parameter["description"] for parameter in operation.get("parameters", ()))
    assert all(response["description"] for response in operation["responses"].values())
    assert {"500", "503"} <= operation["responses"].keys()
    assert "Retry-After" in operation["responses"]["503"]["headers"]


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len(set(names)) == len(names)


def test_only_routes_with_a_body_can_be_refused_for_its_type() -> None:
    assert {name for name, operation in OPERATIONS.items() if "415" in operation["responses"]} == {
        name for name, operation in OPERATIONS.items() if "requestBody" in operation
    }


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_field_is_described(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    fields = schema.get("properties", {})

    assert [field for field, part in fields.items() if not ("description" in part or "$ref" in part)] == []


@pytest.mark.parametrize(("schema", "stated"), list(examples()))
def test_every_body_has_an_example_that_is_one(schema: dict[str, Any], stated: list[Any]) -> None:
    if "$ref" in schema:
        assert stated
    for example in stated:
        validator = OAS31Validator({**schema, "components": DOCUMENT["components"]})
        assert [error.message for error in validator.iter_errors(example)] == []


@pytest.mark.parametrize("code", ProblemCode)
def test_every_problem_is_documented_where_it_can_occur_and_in_the_list(code: ProblemCode) -> None:
    described = json.dumps([operation["responses"].get(str(int(status_of(code)))) for operation in OPERATIONS.values()])
    pause = retry_after(code)
    row = f"| `{code}` | {int(status_of(code))} | {'' if pause is None else f'{pause} s'} | {title_of(code)} |"

    assert f"`{code}`" in described
    assert f"{row} {advice_on(code)} |" in (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", ProblemCode)
def test_a_problem_has_a_stable_type_and_an_error_s_status(code: ProblemCode) -> None:
    problem = describe(code, "detail")

    assert problem.type == f"urn:repository-watchlist:problem:{code}"
    assert HTTPStatus(problem.status) >= HTTPStatus.BAD_REQUEST


def test_the_page_is_made_anew_when_the_document_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(built, "DOCUMENT", tmp_path / "openapi.json")
    monkeypatch.setattr(built, "PAGE", tmp_path / "page.html")
    long_ago = 1
    for title in ("Before", "After"):
        if built.PAGE.exists():
            os.utime(built.PAGE, (long_ago, long_ago))
        document = {**DOCUMENT, "info": {**DOCUMENT["info"], "title": title}}
        built.DOCUMENT.write_text(json.dumps(document), encoding="utf-8")
        docs_page.build()
        assert title in built.PAGE.read_text(encoding="utf-8")

    built.PAGE.write_text("newer")
    docs_page.build()
    assert built.PAGE.read_text(encoding="utf-8") == "newer"
    assert {path.name for path in tmp_path.iterdir()} == {"openapi.json", "page.html"}


def test_the_page_needs_nothing_from_elsewhere() -> None:
    loaded = re.findall(r"<(?:script|link|img|iframe)|@import|url\(|\ssrc=", PAGE)

    assert loaded == []


def test_the_page_shows_every_operation_and_object_and_leads_nowhere_else() -> None:
    anchors = set(re.findall(r'id="([^"]+)"', PAGE))

    assert {operation["operationId"] for operation in OPERATIONS.values()} <= anchors
    assert {f"schema-{name}" for name in DOCUMENT["components"]["schemas"]} <= anchors
    assert {link[1:] for link in re.findall(r'href="(#[^"]+)"', PAGE)} <= anchors


def test_where_the_page_cannot_be_written_it_is_said_who_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(built, "PAGE", tmp_path / "absent" / "page.html")
    with pytest.raises(OSError, match=r"make install.*page\.html"):
        docs_page.build()
