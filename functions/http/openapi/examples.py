"""Makes examples of whole objects from the examples of their fields, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_BY_TYPE = {"string": "text", "integer": 3, "number": 7.5, "boolean": True, "null": None}
_MOMENT = "2026-01-31T12:00:00Z"


def example_of(schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - any JSON
    """Return an example: the schema's own, or one made of its parts.

    Args:
        schema: of the object, with references into `schemas`.
        schemas: by their names.
    """
    own = _own_example(schema)
    if own:
        return own[0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if schema["type"] == "object":
        return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}
    if schema["type"] == "array":
        return [example_of(schema["items"], schemas)]
    return _MOMENT if schema.get("format") == "date-time" else _BY_TYPE[schema["type"]]


def _own_example(schema: Schema) -> list[Any]:
    """Return a list of the example that the schema states, or of the only or first value that it allows."""
    for key in ("example", "const", "default"):
        if key in schema and not schema.get("examples"):
            return [schema[key]]
    return list(schema.get("examples") or schema.get("enum") or ())[:1]
