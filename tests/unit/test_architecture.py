"""What the documentation says of the house is so."""

import re
from pathlib import Path

from watchlist.storage import records, tables
from watchlist.storage.records import ActivityItem, WatchlistItem

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
KEYS = records.__doc__ or ""


def test_the_modules_in_the_life_of_one_add_are_there() -> None:
    named = re.findall(r"`((?:functions|tasks|watchlist)/[\w/]+\.py)`", ARCHITECTURE)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_rooms_are_those_of_the_sources() -> None:
    for program in ("functions", "tasks", "infra", "local_service"):
        (line,) = re.findall(rf"^{program}/ .*$", ARCHITECTURE, re.MULTILINE)
        rooms = {path.parent.name for path in (ROOT / program).glob("*/__init__.py")}
        assert set(re.findall(r" (\w+)/", line)) == rooms, program
    domain = ARCHITECTURE.partition("watchlist/      the domain")[2].partition("```")[0]
    assert set(re.findall(r"(?:^| )(\w+)/", domain, re.MULTILINE)) == {
        path.parent.name for path in (ROOT / "watchlist").glob("*/__init__.py")
    }


def test_the_table_of_keys_has_every_record_and_every_index() -> None:
    for base, table in ((WatchlistItem, tables.WATCHLIST), (ActivityItem, tables.ACTIVITY)):
        section = KEYS.partition(f"\n{table.name} table\n")[2].partition("\n\n")[0]
        rows = re.findall(r"^    (?:\S+)\s+(?:\S+)\s+([A-Z]\w+) ", section, re.MULTILINE)
        assert sorted(rows) == sorted(model.__name__ for model in base.__subclasses__())
        indexes = re.findall(r"index `([\w-]+)`\s+(\w+), (\w+)", section)
        assert sorted(indexes) == sorted((index.name, index.hash_key, index.range_key) for index in table.indexes)


def test_tests_take_nothing_from_each_other() -> None:
    taken = re.compile(r"(?:from|import) tests\.(?:\w+\.)*test_\w+", re.MULTILINE)
    paths = sorted((ROOT / "tests").rglob("*.py"))
    assert len(paths) > 300
    assert [str(path) for path in paths if taken.search(path.read_text(encoding="utf-8"))] == []
