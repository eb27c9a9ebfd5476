"""The last commit that a person made, and the last one that a program made: the one answer to "when was the last?"."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from watchlist.history.commits import Commit
from watchlist.history.dates import made_at
from watchlist.history.people import People
from watchlist.text import shorten

NAME_BYTES = 200
"""Longest name, in UTF-8 bytes; what is longer ends in `…`."""


class LastCommit(BaseModel):
    """A commit that none follows.

    Attributes:
        sha: its id.
        at: when it was made, as far as its dates can be believed.
        author: who wrote it, by name as in `.mailmap`, or by address where there is no name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha: str = Field(examples=["8d3a1c1e6f0b4c7d9e2f5a6b7c8d9e0f1a2b3c4d"])
    at: datetime
    author: str = Field(examples=["Ada Lovelace"])


class LastCommits(BaseModel):
    """The last commits of a repository's default branch, merges included; None where none is known.

    Attributes:
        by_person: the last one by a person.
        by_bot: the last one by a program.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_person: LastCommit | None = None
    by_bot: LastCommit | None = None

    @classmethod
    def of(cls, commits: Sequence[Commit], people: People, now: datetime) -> Self:
        """Find them among `commits`, in any order; of several at the same time the first given is the last made."""
        found: dict[bool, LastCommit] = {}
        for commit, at in zip(commits, made_at(commits, now), strict=True):
            author = people.of(commit.author)
            last = found.get(author.is_bot)
            if at is not None and (last is None or at > last.at):
                name = shorten(author.name or author.email, NAME_BYTES)
                found[author.is_bot] = LastCommit(sha=commit.sha, at=at, author=name)
        return cls(by_person=found.get(False), by_bot=found.get(True))

    def or_later(self, other: "LastCommits") -> "LastCommits":
        """Return the later of both, for people and for programs; this one's where they are equal."""
        return LastCommits(by_person=_later(self.by_person, other.by_person), by_bot=_later(self.by_bot, other.by_bot))


def _later(one: LastCommit | None, other: LastCommit | None) -> LastCommit | None:
    if one is None or other is None:
        return one or other
    return other if other.at > one.at else one
