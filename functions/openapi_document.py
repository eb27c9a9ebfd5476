"""Writes or checks functions/openapi.json: `python -m functions.openapi_document [--check]`.

The functions read their settings when they are imported; here they get placeholders, which the document does not show.
"""

import importlib
import json
import os
import sys

from watchlist.function_specs import HTTP_FUNCTIONS

TITLE = "Repository Watchlist"
DESCRIPTION = "Watches public git repositories and tells whether they stay alive and healthy."
_PLACEHOLDER = "https://placeholder.invalid"


def build() -> str:
    """Return the document as JSON text."""
    from functions import http_api  # noqa: PLC0415 - reads its settings, so the placeholders come first

    modules = [importlib.import_module(f"functions.{spec.name}") for spec in HTTP_FUNCTIONS]
    app = http_api.resolver(*(module.router for module in modules))
    schema = app.get_openapi_schema(title=TITLE, version="1.0.0", description=DESCRIPTION)
    document = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
    document.pop("servers", None)  # whoever serves the document is the server
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _placeholders() -> None:
    for spec in HTTP_FUNCTIONS:
        for name, field in spec.settings.model_fields.items():
            if field.is_required():
                os.environ.setdefault(field.alias or name, _PLACEHOLDER)
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")


def main() -> int:
    """Write the document, or say whether the committed one is stale."""
    _placeholders()
    text = build()
    from functions.documentation import DOCUMENT  # noqa: PLC0415 - as above

    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(text, encoding="utf-8")
        return 0
    if DOCUMENT.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("functions/openapi.json is stale: run `make openapi` and commit it\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
