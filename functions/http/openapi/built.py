"""The description of the API as files, made by `make openapi`."""

from pathlib import Path

DOCUMENT = Path(__file__).with_name("openapi.json")
PAGE = Path(__file__).with_name("page.html")
