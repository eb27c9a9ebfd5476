"""What answers show of a repository's history as a whole."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import Moment, Sha
from watchlist import clock
from watchlist.history.last_commits import LastCommit
from watchlist.history.outline import HistoryState, outline
from watchlist.storage.records import Entry


class LastCommitAnswer(BaseModel):
    """The last commit of a kind, whenever it was made."""

    sha: Annotated[Sha, Field(description="The commit's id.")]
    at: Annotated[Moment, Field(description="When it was made, as far as its dates can be believed.")]
    days_ago: Annotated[int, Field(description="Whole days from then to now.", examples=[12])]
    author: Annotated[str, Field(description="Who wrote it, as in `.mailmap`.", examples=["Ada Lovelace"])]

    @classmethod
    def of(cls, commit: LastCommit | None) -> "LastCommitAnswer | None":
        """Show `commit`, if there is one."""
        if commit is None:
            return None
        return cls(sha=commit.sha, at=commit.at, days_ago=(clock.now() - commit.at).days, author=commit.author)


class HistoryAnswer(BaseModel):
    """What is known of the default branch's history as a whole."""

    state: Annotated[
        HistoryState,
        Field(
            description="`current`: it has commits of the last year. `dormant`: its last commit is older. `empty`: the "
            "repository has no branch. `head_missing`: it has branches, but HEAD names one that does not exist.",
            examples=[HistoryState.CURRENT],
        ),
    ]
    complete: Annotated[bool, Field(description="Whether all commits of the year are stored.", examples=[True])]
    since: Annotated[Moment, Field(description="The beginning of that year.")]
    covered_since: Annotated[Moment, Field(description="From when on all commits are stored.")]
    notes: Annotated[
        list[str],
        Field(description="What is missing or odd, for a person; none of an ordinary repository.", examples=[[]]),
    ]
    branches: Annotated[
        list[str], Field(description="With `head_missing`: some of the branches that there are.", examples=[[]])
    ]
    last_commit: Annotated[
        LastCommitAnswer | None, Field(description="The last one by a person, merges included; null if none is known.")
    ]
    last_commit_by_bot: Annotated[
        LastCommitAnswer | None, Field(description="The last one by a program; null if none is known.", examples=[None])
    ]

    @classmethod
    def of(cls, entry: Entry) -> "HistoryAnswer | None":
        """Show the history of an entry, if it has been analysed."""
        found = outline(entry, clock.now())
        if found is None:
            return None
        return cls(
            state=found.state,
            complete=found.complete,
            since=found.since,
            covered_since=found.covered_since,
            notes=list(found.notes),
            branches=list(found.branches),
            last_commit=LastCommitAnswer.of(found.last.by_person),
            last_commit_by_bot=LastCommitAnswer.of(found.last.by_bot),
        )
