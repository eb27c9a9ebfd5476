import re
from pathlib import Path
from typing import Any

from watchlist.alerts.settings import AlertKind, AlertSettings

DOCUMENT = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| (?:`(\w+)`)? ?\| `(\w+)` \| ([\d.]+) \| ([\d.]+) to ([\d.]+)(, or null)? \|")


def documented() -> dict[tuple[str, str], tuple[float, float, float, bool]]:
    rows = {}
    kind = ""
    for named, field, default, low, high, null in ROW.findall(DOCUMENT):
        kind = named or kind
        rows[kind, field] = (float(default), float(low), float(high), bool(null))
    return rows


def accepted() -> dict[tuple[str, str], tuple[float, float, float, bool]]:
    rows = {}
    definitions: dict[str, Any] = AlertSettings.model_json_schema()["$defs"]
    for kind in AlertKind:
        for field, schema in definitions[type(getattr(AlertSettings(), kind)).__name__]["properties"].items():
            alternatives = schema.get("anyOf", [schema])
            number = alternatives[0]
            if number["type"] in {"number", "integer"}:
                rows[kind.value, field] = (
                    schema["default"],
                    number["minimum"],
                    number["maximum"],
                    {"type": "null"} in alternatives,
                )
    return rows


def test_the_table_of_settings_says_what_the_model_accepts() -> None:
    assert documented() == accepted()


def test_every_kind_is_explained() -> None:
    for kind in AlertKind:
        assert f"**`{kind}`**" in DOCUMENT
