"""Renders the OpenAPI document as a page for people: one file, without scripts, that needs nothing from elsewhere.

The page is not committed. Packaging and the local service make it of the document, which is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from functions.http.openapi import built

Schema = Mapping[str, Any]

_TEMPLATE = "page.html.jinja"
_LIMITS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "≥ {} characters",
    "maxLength": "≤ {} characters",
    "minItems": "≥ {} items",
    "maxItems": "≤ {} items",
}
"""How the page words what a value is bounded by."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as the document describes it."""

    method: str
    path: str
    description: Mapping[str, Any]


def build() -> None:
    """Write the page, unless it is newer than all that it is made of.

    Raises:
        OSError: it cannot be written; says what to do.
    """
    sources = (built.DOCUMENT, Path(__file__), Path(__file__).with_name(_TEMPLATE))
    if built.PAGE.exists() and built.PAGE.stat().st_mtime >= max(source.stat().st_mtime for source in sources):
        return
    text = render(json.loads(built.DOCUMENT.read_text(encoding="utf-8")))
    # Whoever reads meanwhile, as another process that starts, sees the whole old page or the whole new one.
    try:
        with NamedTemporaryFile("w", dir=built.PAGE.parent, suffix=".part", delete=False, encoding="utf-8") as part:
            part.write(text)
        Path(part.name).replace(built.PAGE)
    except OSError as error:
        remedy = "`make install` makes it, run by who may write there"
        raise OSError(error.errno, f"{error.strerror}; {remedy}", str(built.PAGE)) from error


def render(document: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "markdown": _to_html,
        "type": _type_of,
        "limits": _limits_of,
        "json": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "phrase": lambda status: HTTPStatus(int(status)).phrase,
    }
    tags = [(tag, list(_operations(document, tag["name"]))) for tag in document["tags"]]
    return environment.get_template(_TEMPLATE).render(document=document, tags=tags)


def _operations(document: Mapping[str, Any], tag: str) -> Iterator[Operation]:
    for path, operations in document["paths"].items():
        for method, description in operations.items():
            if tag in description["tags"]:
                yield Operation(method.upper(), path, description)


def _to_html(text: str) -> Markup:
    """Render Markdown without its HTML, so that what comes of it is safe."""
    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))  # noqa: S704 - as the docstring says


def _type_of(schema: Schema) -> Markup:
    """Return the schema's type in words, with links to the objects that the page describes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup('<a href="#schema-{0}">{0}</a>').format(name)
    if "anyOf" in schema:
        return Markup(" or ").join(_type_of(kind) for kind in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return Markup(" | ").join(Markup("<code>{}</code>").format(value) for value in values)
    if schema.get("type") == "array":
        return Markup("list of ") + _type_of(schema["items"])
    return Markup("{}").format({"date-time": "moment"}.get(schema.get("format", ""), schema.get("type", "any")))


def _limits_of(schema: Schema) -> str:
    """Return in words what bounds the schema's values."""
    parts = [schema, *schema.get("anyOf", ())]
    said = [words.format(part[key]) for part in parts for key, words in _LIMITS.items() if key in part]
    default = [f"default {json.dumps(schema['default'])}"] if schema.get("default") is not None else []
    return ", ".join(said + [text for text in default if len(text) <= 40])  # noqa: PLR2004 - what fits a table's cell
