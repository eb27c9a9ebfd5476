"""How far each consumer has read each stream, kept where the streams are."""

from pydantic import BaseModel, ConfigDict

from local_service.aws.data_folder import Database


class Position(BaseModel):
    """A consumer's place in a table's stream.

    Attributes:
        number: the sequence number of the last record that it has done with, or None before the first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    consumer: str
    number: str | None = None


class Positions:
    """The positions of all consumers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.execute(
            "CREATE TABLE IF NOT EXISTS positions "
            "(stream TEXT NOT NULL, consumer TEXT NOT NULL, number TEXT, PRIMARY KEY (stream, consumer))"
        )

    def keep(self, position: Position) -> str | None:
        """Remember a position, unless it says nothing new, and return what is remembered."""
        self._database.execute(
            "INSERT INTO positions VALUES (?, ?, ?) "
            "ON CONFLICT (stream, consumer) DO UPDATE SET number = coalesce(excluded.number, number)",
            (position.table, position.consumer, position.number),
        )
        (number,) = self._database.execute(
            "SELECT number FROM positions WHERE stream = ? AND consumer = ?", (position.table, position.consumer)
        ).fetchone()
        return None if number is None else str(number)

    def read_by_all(self, table: str) -> int | None:
        """Return the sequence number up to which every consumer has read a table's stream."""
        rows = self._database.execute("SELECT number FROM positions WHERE stream = ?", (table,)).fetchall()
        numbers = [None if number is None else int(number) for (number,) in rows]
        return None if None in numbers else min((number for number in numbers if number is not None), default=None)
