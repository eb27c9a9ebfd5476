"""Links of the OpenAPI document: an answer that names something leads to every route that is asked with that name.

They are read off the document: what a route must be asked with, and what an answer has under that name, at its top or
in the first row of a list. A page leads to the next one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Document = dict[str, Any]
Schema = Mapping[str, Any]

_CALLED = {"AlertAnswer": {"id": "alert_id"}, "UserAlertAnswer": {"id": "alert_id"}}
"""By the schema of an object, its properties that requests call otherwise."""

_OF_ADD = {"user": "$request.body#/added_by", "user_watchlist_id": "$response.body#/user_watchlist_id"}
"""What adding a repository names though no schema says so: whose it is, and an id that can be null elsewhere."""


def add_links(document: Document) -> None:
    """Add the links to the answers of every operation."""
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for operation in operations:
        for status, response in operation["responses"].items():
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            named = dict(_named_in(schema, document)) if status.startswith("2") else {}
            if links := _links(operation, named, operations):
                response["links"] = links


def _links(operation: Document, named: Mapping[str, str], operations: list[Document]) -> Document:
    """Return the links of an answer that has these names, each with the expression for its value."""
    asked = _asked_with(operation)
    new = {name: value for name, value in named.items() if name not in asked}
    if named and operation["operationId"] == "addRepository":
        new |= _OF_ADD
    known = asked | new
    links = {
        target["operationId"]: _link(target, {where: known[name] for where, name in _required(target)})
        for target in operations
        if target is not operation
        and {name for _, name in _required(target)} <= known.keys()
        and any(name in new for _, name in _required(target))
    }
    if "next_cursor" in named:
        again = {where: asked[name] for where, name in _required(operation)}
        links["nextPage"] = _link(operation, again | {"query.cursor": named["next_cursor"]})
    return links


def _link(target: Document, parameters: Mapping[str, str]) -> Document:
    return {"operationId": target["operationId"], "parameters": dict(parameters)}


def _required(operation: Document) -> list[tuple[str, str]]:
    """Return what an operation must be asked with: where it stands, and its name."""
    return [
        (f"{parameter['in']}.{parameter['name']}", parameter["name"])
        for parameter in operation.get("parameters", ())
        if parameter.get("required")
    ]


def _asked_with(operation: Document) -> dict[str, str]:
    return {name: f"$request.{where}" for where, name in _required(operation)}


def _named_in(schema: Schema, document: Document) -> Iterator[tuple[str, str]]:
    """Yield each text in an answer: what requests call it, and the expression for it; those at the top come last."""
    for place, name, properties in _objects(schema, document):
        for part, of_part in properties.items():
            if part == "next_cursor" or _resolved(of_part, document)[1].get("type") == "string":
                yield _CALLED.get(name, {}).get(part, part), f"$response.body#{place}/{part}"


def _objects(schema: Schema, document: Document) -> Iterator[tuple[str, str, Mapping[str, Schema]]]:
    """Yield the first row of each list in an answer, then the answer: place, schema's name and properties."""
    name, top = _resolved(schema, document)
    properties: Mapping[str, Schema] = top.get("properties", {})
    for part, of_part in properties.items():
        if of_part.get("type") == "array":
            row_name, row = _resolved(of_part["items"], document)
            yield f"/{part}/0", row_name, row.get("properties", {})
    yield "", name, properties


def _resolved(schema: Schema, document: Document) -> tuple[str, Schema]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return name, document["components"]["schemas"][name] if name else schema
