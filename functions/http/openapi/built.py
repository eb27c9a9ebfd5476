"""The description of the API as files: `make openapi` makes the document, `page.build` the page of it."""

from pathlib import Path

DOCUMENT = Path(__file__).with_name("openapi.json")
PAGE = Path(__file__).with_name("page.html")
