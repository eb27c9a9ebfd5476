"""The parts of a job's result that it can do without: what goes wrong in one costs that part, and is told in a note.

This is the one place that decides so. A part is optional if the rest is true without it: the description, the line
counts, what merges bring in, the `.mailmap`, the score, the metrics. Whatever is raised there, an error of our own
included, never ends the attempt; only what stands in the way of everything does: the job was taken away, storage fails,
or the host has trouble that passes and an attempt is left to try it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aws_lambda_powertools import Logger

from watchlist.errors import ErrorCode, JobCancelledError, JobError
from watchlist.storage.failures import failure_of

T = TypeVar("T")

_PASSES = frozenset({ErrorCode.HOST_ERROR, ErrorCode.HOST_RATE_LIMITED, ErrorCode.HOST_UNREACHABLE})
"""Trouble of the host for which a part of the result is worth another attempt."""


@dataclass
class OptionalParts:
    """What became of the optional parts of one attempt.

    Attributes:
        may_try_again: whether an attempt is left, so that the host's trouble may be waited for.
        logger: of the job; an error that nobody foresaw is logged with its traceback.
        notes: what is missing and why, each a sentence for a person.
        broken: the parts that ended in an error of our own.
    """

    may_try_again: bool
    logger: Logger
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def get(self, missing: str, ask: Callable[[], T], *, otherwise: T) -> T:
        """Return what `ask` returns, or `otherwise` after whatever goes wrong in it.

        Args:
            missing: what is then missing, a sentence without its full stop; the reason follows it in the note.
            ask: gets the part.
            otherwise: what stands for it.

        Raises:
            JobCancelledError: the job was taken away.
            JobError: the host's trouble may pass.
            PynamoDBException: storage does not answer.
        """
        try:
            return ask()
        except JobCancelledError:
            raise
        except JobError as error:
            if error.code in _PASSES and self.may_try_again:
                raise
            self._note(f"{missing}: {error.message}")
        except Exception as error:
            if failure_of(error) is not None:
                raise
            self.logger.exception("a part of the result broke off", missing=missing)
            self.broken.append(missing)
            self._note(f"{missing}: an error in the service itself ({type(error).__name__}).")
        return otherwise

    def _note(self, note: str) -> None:
        """Say what is missing, once for however many asked for it."""
        if note not in self.notes:
            self.notes.append(note)
