"""Reads what a class's docstring says of its attributes (Google style), for the OpenAPI document."""

import inspect
import re

_ATTRIBUTES = "Attributes:"
_FIRST_LINE = re.compile(r"    (?P<name>\w+): (?P<text>.+)")


def attributes_of(documented: type) -> tuple[str, dict[str, str]]:
    """Return the docstring's text before its attributes, and the text of each attribute on one line."""
    text, _, section = inspect.cleandoc(documented.__doc__ or "").partition(_ATTRIBUTES)
    attributes: dict[str, str] = {}
    name = None
    for line in section.splitlines():
        first = _FIRST_LINE.fullmatch(line)
        if first is not None:
            name = first["name"]
            attributes[name] = first["text"]
        elif name is not None and line.strip():
            attributes[name] += f" {line.strip()}"
    return text.strip(), attributes
