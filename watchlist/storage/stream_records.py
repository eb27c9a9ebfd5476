"""The records of a DynamoDB stream as the items that they are about.

Shape: DynamoDB Streams API reference, "Record"; Lambda hands it on with times as seconds and numbers as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pynamodb.attributes import DiscriminatorAttribute
from pynamodb.models import Model

Item = TypeVar("Item", bound=Model)


@dataclass(frozen=True, slots=True)
class ItemChange(Generic[Item]):
    """One item as it was written, and as it was before.

    Attributes:
        position: the record's sequence number, by which a consumer reports where it failed.
        before: None for an item that is new.
    """

    position: str
    before: Item | None
    after: Item


def changes_of(event: Mapping[str, Any], model: type[Item]) -> list[ItemChange[Item]]:
    """Return the inserts and changes of `model`'s items in a batch, in order."""
    records = [record["dynamodb"] for record in event["Records"]]
    return [_change_of(record, model) for record in records if _is_about(record, model)]


def _is_about(record: Mapping[str, Any], model: type[Model]) -> bool:
    attribute = model.get_attributes()["type"]
    if not isinstance(attribute, DiscriminatorAttribute):
        raise TypeError(f"{model.__name__} tells its items by no type")
    return bool(record.get("NewImage", {}).get("type", {}).get("S") == attribute.get_discriminator(model))


def _change_of(record: Mapping[str, Any], model: type[Item]) -> ItemChange[Item]:
    old = record.get("OldImage")
    return ItemChange(
        position=record["SequenceNumber"],
        before=model.from_raw_data(old) if old else None,
        after=model.from_raw_data(record["NewImage"]),
    )
