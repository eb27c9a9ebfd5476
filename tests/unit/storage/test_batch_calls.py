"""Batches are written and read by `batches` alone, which paces itself; PynamoDB's own ones do not pause."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OWN = ROOT / "watchlist" / "storage" / "batches.py"
CALLS = {"batch_get", "batch_write", "batch_get_item", "batch_write_item", "BatchWrite"}

SOURCES = [
    path
    for folder in ("watchlist", "functions", "tasks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != OWN
]


def batch_calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return CALLS & {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_the_one_module_is_found_by_its_calls() -> None:
    assert batch_calls(OWN) == {"batch_get_item", "batch_write_item"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_makes_batches(path: Path) -> None:
    assert batch_calls(path) == set()
