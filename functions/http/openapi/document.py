"""Writes openapi.json: `python -m functions.http.openapi.document`.

With `--check` it writes nothing and fails if the file is stale.
"""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from functions.http import api as http_api
from functions.http import responses
from functions.http.openapi import built
from functions.http.openapi.docstrings import attributes_of
from functions.http.openapi.examples import example_of
from functions.http.openapi.links import add_links
from functions.http.openapi.patches import patch_schema
from watchlist.deployment.functions import HTTP_FUNCTIONS
from watchlist.deployment.routes import ROUTES

Document = dict[str, Any]

TITLE = "Repository Watchlist"
DESCRIPTION = """\
Watches public git repositories and tells whether they stay alive and healthy.

**Who may ask.** On AWS every request is signed (IAM, Signature Version 4) or, where the deployment names an issuer,
carries a token (JWT). A token's subject is the user: it sees and changes its own entries only; what it does not watch
is `404`, and jobs and queues, which show what all users do, are `403`. A signed request may act for every user. The
local service asks for nothing.

**Errors** are problem details (RFC 9457) with a stable `type`. What API Gateway refuses by itself, before the service
sees it, has its own shape, `{"message": "..."}`: `401` and `403` (not authorized), `404` (no such route), `413` (more
than 10 MB), `429` (too many requests).

**Lists** come in pages: send `next_cursor` back as `cursor` until it is null. Items that are added meanwhile neither
repeat nor hide others. Where an item can move meanwhile, the page says so: an alert that is resolved stands once more
among the resolved ones, and a page of the watchlist has `shifted`.

**Links** of an answer lead to every route that is asked with what it names, and from a page to the next one.

**Times** are UTC, ISO-8601, with `Z`. What is not known is `null`.
"""
_PATCH = "A JSON merge patch (RFC 7396): what is stated is changed, null takes a choice back, and all else stays."
_LEFT_OUT = ("HTTPValidationError", "ResponseValidationError", "ValidationError")
"""Schemas that Powertools adds for answers of its own, in whose place this API answers with problems."""
_WITHOUT_CONTENT = {"204", "304"}


def build() -> Document:
    """Return the document."""
    modules = [importlib.import_module(spec.module) for spec in HTTP_FUNCTIONS]
    app = http_api.resolver(*(module.router for module in modules))
    schema = app.get_openapi_schema(title=TITLE, version="1.0.0", description=DESCRIPTION)
    document: Document = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
    document.pop("servers", None)  # whoever serves the document is the server
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    document["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    document["components"]["schemas"] |= _schemas_of(responses.stored_models)
    document["components"]["schemas"] |= {
        name: patch_schema(model) | {"title": name, "description": _PATCH}
        for name, model in responses.patched_models.items()
    }
    _finish_schemas(document, responses.STORED_MODEL)
    explained = {name: value for module in modules for name, value in vars(module).items() if callable(value)}
    for path in document["paths"].values():
        for operation in path.values():
            _finish_operation(operation, document)
            operation["description"] = inspect.getdoc(explained[_snake_case(operation["operationId"])])
    add_links(document)
    document["paths"] = {path: document["paths"][path] for path in dict.fromkeys(route.path for route in ROUTES)}
    return document


def _snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


_TAGS = {
    "watchlist": "Add repositories, poll them, list them, stop watching.",
    "analysis": "What the service knows of a repository.",
    "alerts": "Choose what is worth an alert, and deal with those that were raised.",
    "notifications": "Where a user is told of alerts.",
    "sharing": "Feeds and badges that need no name, by addresses that cannot be guessed.",
    "operations": "For operators.",
    "documentation": "This description.",
}


def to_json(document: Document) -> str:
    """Return the document's text."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _schemas_of(models: dict[str, type[BaseModel]]) -> Document:
    """Return the schemas of stored objects and of what they consist of, described by their classes' docstrings."""
    schemas: Document = {}
    for name, model in sorted(models.items()):
        schema = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        schemas |= {**schema.pop("$defs", {}), name: schema}
    for module in {model.__module__ for model in models.values()}:
        for name, value in vars(importlib.import_module(module)).items():
            if name in schemas and isinstance(value, type) and issubclass(value, BaseModel):
                summary, attributes = attributes_of(value)
                schemas[name]["description"] = summary
                for attribute, text in attributes.items():
                    schemas[name]["properties"][attribute].setdefault("description", text)
    return schemas


def _finish_schemas(document: Document, marker: str) -> None:
    schemas = document["components"]["schemas"]
    for name in _LEFT_OUT:
        schemas.pop(name, None)
    _point_to_stored(document, marker)


def _point_to_stored(node: Any, marker: str) -> None:  # noqa: ANN401 - any JSON
    """Replace each mark by a reference to the schema of the stored object."""
    if isinstance(node, dict):
        if marker in node:
            node["$ref"] = f"#/components/schemas/{node.pop(marker)}"
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            _point_to_stored(each, marker)


def _finish_operation(operation: Document, document: Document) -> None:

    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if parameter["in"] == "header":
            parameter["name"] = schema["title"]
        schema.pop("description", None)
        _never_null(schema)
        examples = schema.pop("examples", None)
        if examples:
            parameter["example"] = examples[0]
    responses = operation["responses"]
    for status in [status for status, response in responses.items() if _is_of_powertools(response)]:
        del responses[status]
    operation["responses"] = responses = dict(sorted(responses.items()))
    for status in _WITHOUT_CONTENT & responses.keys():
        responses[status].pop("content", None)
    contents = [response.get("content", {}) for response in responses.values()]
    for content in [operation.get("requestBody", {}).get("content", {}), *contents]:
        if "application/json" in content:
            media_type = content["application/json"]
            media_type["example"] = example_of(media_type["schema"], document["components"]["schemas"])


def _is_of_powertools(response: Document) -> bool:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schema.get("$ref", "").rpartition("/")[2] in _LEFT_OUT


def _never_null(schema: Document) -> None:
    """Leave null out of a parameter's schema: a parameter that is not sent is not null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]


def main(arguments: Sequence[str]) -> int:
    """Write the document, or say that the committed one is stale."""
    text = to_json(build())
    if "--check" not in arguments:
        built.DOCUMENT.write_text(text, encoding="utf-8")
    elif not built.DOCUMENT.exists() or built.DOCUMENT.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"functions/http/openapi/{built.DOCUMENT.name} is stale: run `make openapi` and commit it\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
