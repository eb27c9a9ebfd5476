"""Changes of settings in part: JSON merge patches (RFC 7396), validated as the whole that they lead to."""

from collections.abc import Mapping
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from functions.http.faults import with_known_fields

CONTENT_TYPE = "application/merge-patch+json"

Model = TypeVar("Model", bound=BaseModel)


def merged(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `document` with what `patch` states; null removes a member."""
    result = dict(document)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def patched(model: type[Model], document: Mapping[str, Any], patch: Mapping[str, Any]) -> Model:
    """Return what `document` is after `patch`.

    Raises:
        RequestValidationError: it would not be valid.
    """
    try:
        return model.model_validate(merged(document, patch))
    except ValidationError as error:
        faults = [with_known_fields(dict(fault), model, fault["loc"]) for fault in error.errors()]
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None
