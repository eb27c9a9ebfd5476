"""The schemas of merge patches: what a part of some settings can be changed by."""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def patch_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of the patches (RFC 7396) that can lead to a valid `model`.

    Every member may be left out, and is null to be taken back where the model has a default for it. Lists are replaced.
    """
    schema = model.model_json_schema(mode="validation")
    return _of(schema, schema.pop("$defs", {}))


def _of(schema: Schema, defined: Schema) -> Schema:
    """Return the schema with references replaced by what they name, and objects by their patches."""
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _of({**defined[schema["$ref"].rpartition("/")[2]], **rest}, defined)
    shown = {name: _within(value, defined) for name, value in schema.items() if name not in {"required", "default"}}
    if "properties" in shown:
        required = schema.get("required", ())
        shown["properties"] = {
            name: _of(value, defined) if name in required else _or_null(_of(value, defined))
            for name, value in schema["properties"].items()
        }
    return shown


def _within(value: Any, defined: Schema) -> Any:  # noqa: ANN401 - any JSON
    """Return a part of a schema without references; the items of a list are whole, not patched."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _within({**defined[value["$ref"].rpartition("/")[2]]}, defined)
        return {name: _within(each, defined) for name, each in value.items()}
    return [_within(each, defined) for each in value] if isinstance(value, list) else value


def _or_null(schema: Schema) -> Schema:
    if {"type": "null"} in schema.get("anyOf", ()):
        return schema
    about: Schema = {name: schema[name] for name in ("title", "description", "examples") if name in schema}
    kind = {name: value for name, value in schema.items() if name not in about}
    return {**about, "anyOf": [kind, {"type": "null"}]}
