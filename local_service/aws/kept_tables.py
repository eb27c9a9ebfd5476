"""moto's DynamoDB over SQLite; used inside the embedded AWS's process only.

moto keeps what the API means: expressions, conditions, limits, errors. SQLite keeps the items and the streams. So they
outlive the process; a query reads its partition or index instead of the whole table; a transaction copies no table,
since a call that fails is rolled back whole. As they are (moto 5.2), a query takes 350 ms at 12 000 items, and a
transaction 405 ms for each of its items.
"""

import copy
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from moto.core.common_models import BaseModel
from moto.core.responses import ActionContext, ActionResult
from moto.dynamodb import models as moto_models
from moto.dynamodb import responses as moto_responses
from moto.dynamodb.exceptions import ItemSizeTooLarge, ItemSizeToUpdateTooLarge
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models import table as moto_table
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, StreamRecord, StreamShard, Table
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodb.responses import DynamoResult
from moto.dynamodbstreams import responses as moto_streams
from moto.dynamodbstreams.models import DynamoDBStreamsBackend

from local_service.aws import binary_values, expressions
from local_service.aws.data_folder import Database, quoted
from local_service.aws.embedded import stream_topic
from watchlist.storage import tables as table_specs

_FIRST_NUMBER = 1_100_000_000_017_454_423_009
"""Added to a record's number to make what looks like a sequence number."""

_RECORDS_LAST = timedelta(days=1)
_ITEM_BYTES = 405_000
"""Most of an item, as moto counts it."""
_ITERATORS_KEPT = 1_000

Attributes = dict[str, Any]


class KeptTable(Table):
    """A table with string keys whose items are rows; every table needs a stream, which hears of each change."""

    database: ClassVar[Database]

    def __init__(self, table_name: str, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - moto's own
        super().__init__(table_name, *arguments, **named)
        self._rows = Rows(self.database, self)
        self._found: list[KeptItem] | None = None
        self.items: Any = _Partitions(self._rows)

    def __deepcopy__(self, memo: dict[int, Any]) -> "KeptTable":
        """Return itself: the copies that moto makes to undo a transaction are not needed."""
        return self

    def query(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - moto's own
        """Let moto choose among the rows of the partition that is asked for, in place of all."""
        asked = {**dict(zip(_QUERY, arguments, strict=False)), **named}
        name = asked.get("index_name")
        index = next((each for each in self.all_indexes() if each.name == name), None)
        if name is None:
            self._found = self._rows.of(asked["hash_key"], _Stretch.of(asked, "range", str(self.range_key_attr)))
        elif index is None or not asked.get("hash_key_conditions"):
            self._found = []  # it is moto's to refuse
        else:
            range_key = index.schema_key_attrs[-1]
            stretch = _Stretch.of(asked, _value_of(range_key), range_key)
            self._found = self._rows.of_index(asked["hash_key_conditions"], stretch)
        counts = 0 if sum(len(kept.text) for kept in self._found) <= RESULT_SIZE_LIMIT else None
        for kept in self._found:
            kept.counts = counts
        try:
            found, scanned, last_key = super().query(*arguments, **named)
        finally:
            self._found = None
        for item in found:
            item.attrs = _as_read(item)
        return found, scanned, last_key

    def all_items(self) -> list[Item]:
        """Return what a query is about, or every item."""
        return [*(self._rows.all() if self._found is None else self._found)]

    def __len__(self) -> int:
        return self._rows.count()

    def drop_records(self, *, through: int) -> None:
        """Forget the stream's records up to a sequence number."""
        self._rows.drop_records(through - _FIRST_NUMBER)

    def drop_old_records(self, now: datetime) -> None:
        """Forget the stream's records that are older than AWS keeps them."""
        self._rows.drop_old_records(now)

    def delete_expired(self, now: datetime) -> None:
        """Delete what has outlived its time to live, as AWS does within some days."""
        attribute = self.ttl.get("AttributeName")
        for item in self._rows.expired(attribute, int(now.timestamp())) if attribute else ():
            self.delete_item(item.hash_key, item.range_key)


_, *_QUERY = inspect.signature(Table.query).parameters
"""What moto says of a query, in the order in which it says it; whatever it names besides is a filter."""

_BOUNDS: Mapping[str, tuple[str, ...]] = {
    "=": ("= ?",),
    "<": ("< ?",),
    "<=": ("<= ?",),
    ">": ("> ?",),
    ">=": (">= ?",),
    "BETWEEN": (">= ?", "<= ?"),
    "BEGINS_WITH": (">= ?", "<= ?"),
}
"""What SQLite is asked for each comparison of a range key with its values."""

_LAST = "\U0010ffff" * 4
"""What comes after whatever begins in the same way."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The rows that moto has to look at to answer a query, in the order of their range key.

    Attributes:
        column: the range key's.
        conditions: on it, whose values are `values`.
        forward: whether the lowest come first.
        most: how many are enough, or None if moto has to see all.
    """

    column: str
    conditions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    forward: bool = True
    most: int | None = None

    @classmethod
    def of(cls, asked: Mapping[str, Any], column: str, range_key: str) -> Self:
        """Read what a query asks."""
        comparison, objects = asked.get("range_comparison"), asked.get("range_objs") or []
        bounds = _BOUNDS.get(str(comparison).upper(), ())
        values = [each.value for each in objects] if bounds else []
        if str(comparison).upper() == "BEGINS_WITH":
            values.append(values[0] + _LAST)
        conditions = [f"{column} IS NOT NULL", *(f"{column} {bound}" for bound in bounds)]
        forward = asked.get("scan_index_forward") is not False
        start = asked.get("exclusive_start_key")
        if start is not None:
            after = ">=" if forward else "<="
            conditions += [f"{column} {after} ?", f"({column}, hash, range) {after} (?, ?, ?)"]
            values += [start[name]["S"] for name in (range_key, range_key, table_specs.HASH_KEY, table_specs.RANGE_KEY)]
        # As on AWS, the limit is of what is looked at, before it is filtered.
        sees_all = asked.keys() - {*_QUERY} or (comparison and not bounds) or not asked.get("limit")
        most = None if sees_all else asked["limit"] + 2  # the one to start after, and one that tells that there is more
        return cls(column, tuple(conditions), tuple(values), forward, most)


class KeptItem(Item):
    """An item as it was read. What moto only hands on stays text: making attributes of it takes longer than all else.

    Attributes:
        text: what was read, which is never shorter than the bytes that DynamoDB counts; empty in copies of attributes.
        counts: against the limit of an answer, or None if moto has to measure it. 0 of what is found by a query whose
            whole answer is no longer than one may be: nobody else has the item then, so moto need not copy it either.
    """

    text = ""
    counts: int | None = None
    _made: LimitedSizeDict | None = None

    def __init__(self, hash_key: str, range_key: str, text: str) -> None:
        self.hash_key, self.range_key = DynamoType({"S": hash_key}), DynamoType({"S": range_key})
        self.text = text

    @property
    def attrs(self) -> LimitedSizeDict:
        """The attributes by name, made when they are first looked at."""
        if self._made is None:
            self._made = _made_of(self._decoded())
        return self._made

    @attrs.setter
    def attrs(self, attributes: LimitedSizeDict) -> None:
        self._made = attributes

    def __deepcopy__(self, memo: dict[int, Any]) -> Item:
        if self.counts == 0:
            return self
        return super().__deepcopy__(memo) if self._made is not None else self._twin()

    def _twin(self) -> Self:
        twin = copy.copy(self)
        twin.counts = None
        return twin

    def _decoded(self) -> Attributes:
        attributes: Attributes = binary_values.decoded(self.text)
        return attributes

    def size(self) -> int:
        """Return the bytes that count against the limit of an answer."""
        return super().size() if self.counts is None else self.counts

    def to_json(self, root_attr_name: str = "Attributes") -> dict[str, Attributes]:
        """Return what moto says of an item in a stream, and of one that is changed."""
        return super().to_json(root_attr_name) if self._made is not None else {root_attr_name: self._decoded()}

    def describe_attrs(self, attributes: Attributes | None = None) -> dict[str, Attributes]:
        """Return what a read of it alone answers."""
        return super().describe_attrs(attributes) if attributes else {"Item": _as_read(self)}


class Rows:
    """A table's items and the records of its stream in the database."""

    def __init__(self, database: Database, table: Table) -> None:
        if not (table.hash_key_type == table.range_key_type == "S"):
            raise NotImplementedError("a table has two string keys")
        self._database = database
        self._table = table
        self._items = quoted(f"items of {table.name}")
        self._records = quoted(f"records of {table.name}")
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {self._items} (hash TEXT, range TEXT, item TEXT, PRIMARY KEY (hash, range))"
        )
        # Numbers that are never used again, also after every record is gone.
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {self._records} "
            "(number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, record TEXT)"
        )
        for index in table.global_indexes:
            columns = ", ".join(_value_of(key) for key in index.schema_key_attrs)
            name = quoted(f"{index.name} of {table.name} by {' and '.join(index.schema_key_attrs)}")
            database.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {self._items} ({columns})")

    def get(self, hash_key: DynamoType, range_key: DynamoType) -> KeptItem | None:
        """Return one item."""
        for item in self._select("hash = ? AND range = ?", hash_key.value, range_key.value):
            item.counts = len(item.text)
            return item
        return None

    def of(self, hash_key: DynamoType, stretch: "_Stretch | None" = None) -> list[KeptItem]:
        """Return the items of a partition, or of a stretch of it."""
        return self._select_stretch("hash = ?", hash_key.value, stretch or _Stretch("range"))

    def of_index(self, conditions: list[tuple[str, DynamoType]], stretch: "_Stretch") -> list[KeptItem]:
        """Return the items of a stretch of what an index has under the one condition on its hash key."""
        ((attribute, value),) = conditions
        return self._select_stretch(f"{_value_of(attribute)} = ?", value.value, stretch)

    def all(self) -> list[KeptItem]:
        """Return every item."""
        return self._select("TRUE ORDER BY hash, range")

    def expired(self, attribute: str, now: int) -> list[KeptItem]:
        """Return the items whose time to live, in seconds, is over."""
        return self._select(f"CAST({_value_of(attribute, 'N')} AS INTEGER) < ?", now)

    def partitions(self) -> Iterator[str]:
        """Return every hash key."""
        for (hash_key,) in self._database.execute(f"SELECT DISTINCT hash FROM {self._items}").fetchall():
            yield hash_key

    def count(self) -> int:
        """Return how many items there are."""
        (count,) = self._database.execute(f"SELECT count(*) FROM {self._items}").fetchone()
        return int(count)

    def put(self, item: Item) -> None:
        """Write an item in place of the one with its keys.

        Raises:
            ItemSizeToUpdateTooLarge: it is larger than one may be.
        """
        text = dynamo_json_dump(item.to_json()["Attributes"])
        if len(text) > _ITEM_BYTES and Item.size(item) > _ITEM_BYTES:
            raise ItemSizeToUpdateTooLarge
        self._database.execute(f"INSERT OR REPLACE INTO {self._items} VALUES (?, ?, ?)", (*_keys(item), text))

    def delete(self, item: Item) -> None:
        """Delete an item."""
        self._database.execute(f"DELETE FROM {self._items} WHERE hash = ? AND range = ?", _keys(item))

    def record(self, record: Attributes) -> None:
        """Append to the stream; the record's number and so its sequence number come from the database."""
        self._database.touch(stream_topic(self._table.name))
        self._database.execute(
            f"INSERT INTO {self._records} (at, record) VALUES (?, ?)",
            (datetime.now(UTC).isoformat(), dynamo_json_dump(record)),
        )

    def records(self, start: int, most: int) -> list[Attributes]:
        """Return records from the number `start` on."""
        rows = self._database.execute(
            f"SELECT number, record FROM {self._records} WHERE number >= ? ORDER BY number LIMIT ?", (start, most)
        )
        return [_record_of(number, text) for number, text in rows]

    def numbers(self) -> range:
        """Return the numbers of the records that are there."""
        (first, last) = self._database.execute(f"SELECT min(number), max(number) FROM {self._records}").fetchone()
        if first is not None:
            return range(first, last + 1)
        used = self._database.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = ?", (f"records of {self._table.name}",)
        ).fetchone()
        following = (used[0] if used else 0) + 1
        return range(following, following)

    def drop_records(self, through: int) -> None:
        """Forget the records up to a number."""
        self._database.execute(f"DELETE FROM {self._records} WHERE number <= ?", (through,))

    def drop_old_records(self, now: datetime) -> None:
        """Forget what nobody has read in a day."""
        self._database.execute(f"DELETE FROM {self._records} WHERE at < ?", ((now - _RECORDS_LAST).isoformat(),))

    def _select_stretch(self, condition: str, value: str, stretch: "_Stretch") -> list[KeptItem]:
        conditions = " AND ".join((condition, *stretch.conditions))
        order = "" if stretch.forward else " DESC"
        most = "" if stretch.most is None else f" LIMIT {stretch.most:d}"
        return self._select(
            f"{conditions} ORDER BY {stretch.column}{order}, hash{order}, range{order}{most}", value, *stretch.values
        )

    def _select(self, condition: str, *values: object) -> list[KeptItem]:
        rows = self._database.execute(f"SELECT hash, range, item FROM {self._items} WHERE {condition}", values)
        return [KeptItem(*row) for row in rows]


class _Partitions:
    """What moto takes for a dictionary of dictionaries of items."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getitem__(self, hash_key: DynamoType) -> "_Partition":
        return _Partition(self._rows, hash_key)

    def values(self) -> list["_Partition"]:
        return [_Partition(self._rows, DynamoType({"S": hash_key})) for hash_key in self._rows.partitions()]


class _Partition:
    """The items of one hash key.

    Writing does nothing: the table's stream is told of every change, and writes it.
    """

    def __init__(self, rows: Rows, hash_key: DynamoType) -> None:
        self._rows = rows
        self._hash_key = hash_key

    def __getitem__(self, range_key: DynamoType) -> Item:
        item = self._rows.get(self._hash_key, range_key)
        if item is None:
            raise KeyError(range_key)
        return item

    def __setitem__(self, range_key: DynamoType, item: Item) -> None:
        pass

    def pop(self, range_key: DynamoType) -> Item:
        return self[range_key]

    def values(self) -> list[KeptItem]:
        return self._rows.of(self._hash_key)


class KeptShard(StreamShard):
    """A stream's only shard; what it is told of, it writes."""

    def __init__(self, account_id: str, table: KeptTable) -> None:
        self.rows = Rows(table.database, table)
        super().__init__(account_id, table)

    @property
    def starting_sequence_number(self) -> int:
        """That of the oldest record."""
        return _FIRST_NUMBER + self.rows.numbers().start

    @starting_sequence_number.setter
    def starting_sequence_number(self, number: int) -> None:
        pass

    @property
    def items(self) -> Any:  # noqa: ANN401 - a range in place of moto's list
        """As many as there are records, for their number."""
        return self.rows.numbers()

    @items.setter
    def items(self, items: list[StreamRecord]) -> None:
        pass

    def add(self, old: Item | None, new: Item | None) -> None:
        """Write a change and its record."""
        if new is not None:
            self.rows.put(new)
        elif old is not None:
            self.rows.delete(old)
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        view = (self.table.stream_specification or {})["StreamViewType"]
        self.rows.record(StreamRecord(self.table, view, name, old, new, 0).to_json())

    def get(self, start: int, quantity: int) -> list[Attributes]:
        """Return records from a sequence number on."""
        return self.rows.records(start - _FIRST_NUMBER, quantity)


def install(database: Database) -> None:
    """Let moto keep its tables in `database` from now on."""
    expressions.install()
    KeptTable.database = database
    setattr(moto_models, "Table", KeptTable)  # noqa: B010 - mypy allows no assignment to a class
    setattr(moto_table, "StreamShard", KeptShard)  # noqa: B010 - as above
    setattr(Item, "project", _project)  # noqa: B010 - as above
    setattr(Item, "__init__", _fill)  # noqa: B010 - as above
    setattr(moto_responses, "DynamoResult", WrittenAnswer)  # noqa: B010 - as above
    setattr(moto_streams, "ActionResult", WrittenAnswer)  # noqa: B010 - mypy allows no assignment to what moto imports there
    # moto finds its modules by its backend's own name, so a subclass would not do.
    setattr(DynamoDBStreamsBackend, "get_records", _get_records)  # noqa: B010 - as above
    # moto remembers every object that it ever made, and so every item that was ever read.
    setattr(BaseModel, "__new__", _forgotten)  # noqa: B010 - as above


def _forgotten(model: type[Any], *_arguments: object, **_named: object) -> Any:  # noqa: ANN401 - of any class of moto's
    return object.__new__(model)


def _project(item: Item, paths: list[list[str]]) -> Item:
    """Return the wanted attributes; moto translates the whole item to find one, which takes most of a read's time."""
    if any(len(path) > 1 or "[" in path[0] for path in paths):
        return _project_by_moto(item, paths)
    projected = Item(item.hash_key, item.range_key, {})
    for (name,) in paths:
        if name in item.attrs:
            projected.attrs[name] = item.attrs[name]
    return projected


_project_by_moto = Item.project


class WrittenAnswer(DynamoResult):
    """An answer that is written as it is; moto looks for each attribute under several names, in half of its time."""

    def __init__(self, result: object) -> None:
        ActionResult.__init__(self, result)  # what moto makes of it first, writing it makes, too

    def execute_result(self, _context: ActionContext | None = None) -> tuple[int, dict[str, Any], str]:
        """Return status, headers and body."""
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, dynamo_json_dump(self.result)


def tables(account: str, region: str) -> dict[str, KeptTable]:
    """Return the tables that exist, by name."""
    found = dynamodb_backends[account][region].tables
    return {name: table for name, table in found.items() if isinstance(table, KeptTable)}


def _get_records(backend: DynamoDBStreamsBackend, iterator_arn: str, limit: int) -> dict[str, Any]:
    """Read on, and forget old iterators, which moto keeps for ever."""
    records: dict[str, Any] = backend.shard_iterators[iterator_arn].get(limit)
    while len(backend.shard_iterators) > _ITERATORS_KEPT:
        del backend.shard_iterators[next(iter(backend.shard_iterators))]
    return records


def _value_of(attribute: str, kind: str = "S") -> str:
    """Return the expression for an attribute's value. It is written the same way wherever an index is to be found."""
    path = f'$."{attribute}".{kind}'.replace("'", "''")
    return f"json_extract(item, '{path}')"


def _keys(item: Item) -> tuple[str, str]:
    if item.range_key is None:
        raise NotImplementedError("a table has two string keys")
    return item.hash_key.value, item.range_key.value


def _as_read(item: Item) -> LimitedSizeDict:
    """Return the attributes of an item that nobody has changed, as they are answered."""
    return LimitedSizeDict(json.loads(item.text)) if isinstance(item, KeptItem) and item.text else item.attrs


def _fill(item: Item, hash_key: DynamoType, range_key: DynamoType | None, attrs: Attributes) -> None:
    """Make an item that is not larger than one may be. Its text is never shorter, and is measured in no time."""
    item.hash_key, item.range_key = hash_key, range_key
    item.attrs = _made_of(attrs)
    if len(dynamo_json_dump(attrs)) > _ITEM_BYTES and item.size() > _ITEM_BYTES:
        raise ItemSizeTooLarge


class _Attributes(LimitedSizeDict):
    """The attributes of an item, which is measured when it is written; moto does it at each attribute."""

    __setitem__ = dict.__setitem__


def _made_of(attributes: Attributes) -> _Attributes:
    return _Attributes({name: DynamoType(value) for name, value in attributes.items()})


def _record_of(number: int, text: str) -> Attributes:
    record: Attributes = json.loads(text)
    record["dynamodb"]["SequenceNumber"] = str(_FIRST_NUMBER + number)
    return record
