"""What every kind of alert is made of: settings that know their own rule (docs/contributing.md)."""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from watchlist.alerts.occasions import Occasion

OccasionT = TypeVar("OccasionT", bound=Occasion)


class AlertLevel(StrEnum):
    """How urgent an alert is."""

    MILD = "mild"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found, before it is anybody's alert; the fields are those of `alert.Alert`.

    Attributes:
        subject: names the event: a commit, a file and its week, a result, a quiet period.
        true_since: whoever has watched for no longer than that is told nothing new; None where it is news to all.
        is_open: whether there is something to deal with; what only informs is told as well, and counts as resolved.
    """

    subject: tuple[str, ...]
    level: AlertLevel
    metric: str
    value: float
    threshold: float
    threshold_kind: str = "occurrence"
    commit_sha: str | None = None
    check: str | None = None
    message: str
    true_since: datetime | None = None
    is_open: bool = True


def _integral(value: object) -> object:
    """Return 20.0 as 20: JSON Schema calls both an integer, a strict int takes only the latter."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Switch = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
WHOLE = BeforeValidator(_integral)
"""Stands last in an annotation, so that it runs first and the schema shows the bounds of the int within."""

StandardDeviations = Annotated[Number, Field(ge=1, le=20)]


class KindSettings(BaseModel, Generic[OccasionT]):
    """What a person can choose of one kind of alert, with the rule that raises it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    OCCASION: ClassVar[type[Occasion] | UnionType]
    """What the rule is evaluated at."""

    enabled: Switch = Field(default=True, description="Whether this kind of alert is raised at all.", examples=[True])

    @abstractmethod
    def findings(self, occasion: OccasionT) -> Iterable[Finding]:
        """Return what is worth an alert; a pure function of these settings and the occasion."""
