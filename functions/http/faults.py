"""What is said of a field or parameter at fault: sentences of the product, one form for each kind of fault."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

_Context = Mapping[str, Any]

_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How Pydantic writes a member of an enumeration that a literal admits."""

KNOWN_FIELDS = "known"
"""In a fault's context: the fields that there are where one is not known."""

REPEATED = "is given more than once"
"""What is wrong with a query parameter that stands twice: nobody can say which one was meant."""


def _plural(number: object, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _without_members(expected: str) -> str:
    return _MEMBER.sub(r"\1", expected)


_SENTENCES: Mapping[str, Callable[[_Context], str]] = {
    "missing": lambda _: "is missing",
    "missing_argument": lambda _: "is missing",
    "extra_forbidden": lambda context: unknown_field(context.get(KNOWN_FIELDS, ())),
    "string_type": lambda _: "must be a text",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a whole number of a usual size",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "list_type": lambda _: "must be a list",
    "tuple_type": lambda _: "must be a list",
    "set_type": lambda _: "must be a list",
    "frozen_set_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "none_required": lambda _: "must be null",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "less_than": lambda context: f"must be less than {context['lt']}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "greater_than": lambda context: f"must be more than {context['gt']}",
    "string_too_long": lambda context: f"must have at most {_plural(context['max_length'], 'character', 'characters')}",
    "string_too_short": lambda context: (
        f"must have at least {_plural(context['min_length'], 'character', 'characters')}"
    ),
    "too_long": lambda context: f"must have at most {_plural(context['max_length'], 'item', 'items')}",
    "too_short": lambda context: f"must have at least {_plural(context['min_length'], 'item', 'items')}",
    "literal_error": lambda context: f"must be {_without_members(context['expected'])}",
    "enum": lambda context: f"must be {context['expected']}",
    "string_pattern_mismatch": lambda _: "has characters that it cannot have",
    "string_unicode": lambda _: "has characters that are no Unicode text",
    "datetime_type": lambda _: "must be a moment like 2026-01-31T12:00:00Z",
    "datetime_parsing": lambda _: "must be a moment like 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": lambda _: "must be a moment like 2026-01-31T12:00:00Z",
    "json_invalid": lambda _: "must be JSON",
    "value_error": lambda context: str(context["error"]),
}


def sentence(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with a field, from an error of Pydantic; it repeats nothing that the sender wrote."""
    form = _SENTENCES.get(fault["type"])
    return "is not valid" if form is None else form(fault.get("ctx") or {})


def with_known_fields(fault: Mapping[str, Any], model: object, path: Sequence[object]) -> Mapping[str, Any]:
    """Return the fault of what was to be a `model`; one of an unknown field, at that path, names the known ones."""
    context = fault.get("ctx") or {}
    if fault["type"] != "extra_forbidden" or KNOWN_FIELDS in context:
        return fault
    models = list(_models_in(model))
    for step in path[:-1]:
        if isinstance(step, str):  # a number stands for one of several alike
            annotations = [each.model_fields[step].annotation for each in models if step in each.model_fields]
            models = [found for annotation in annotations for found in _models_in(annotation)]
    known = sorted({name for each in models for name in each.model_fields})
    return {**fault, "ctx": {**context, KNOWN_FIELDS: known}}


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that a type is, or is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def unknown_field(known: Collection[str]) -> str:
    """Return what is wrong with a field of a body that nobody knows there."""
    end = f"; known are {', '.join(known)}" if known else ""
    return f"is not a field of this request{end}"


def unknown_parameter(known: Collection[str]) -> str:
    """Return what is wrong with a query parameter that the route does not know."""
    if not known:
        return "is not a parameter of this route, which has none"
    return f"is not a parameter of this route, which has {', '.join(sorted(known))}"
