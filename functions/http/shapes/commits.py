"""What a page of commits shows."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import Moment, NextCursor, Sha
from watchlist.storage.records import CommitRecord


class SignatureAnswer(BaseModel):
    """Who and when."""

    name: Annotated[str, Field(description="As git has it, cut to size.", examples=["Ada Lovelace"])]
    email: Annotated[str, Field(description="As git has it, cut to size.", examples=["ada@example.org"])]
    time: Annotated[Moment, Field(description="In UTC.")]


class CommitAnswer(BaseModel):
    """One commit."""

    sha: Annotated[Sha, Field(description="The commit's id.")]
    parents: Annotated[list[Sha], Field(description="Ids of its parents; more than one make it a merge.")]
    author: Annotated[SignatureAnswer, Field(description="Who wrote the change.")]
    committer: Annotated[SignatureAnswer, Field(description="Who made the commit; pages are ordered by this time.")]
    subject: Annotated[str, Field(description="First line of the message.", examples=["Fix the parser"])]
    message: Annotated[str, Field(description="The message, cut to size.", examples=["Fix the parser\n\nIt was late."])]
    signed: Annotated[bool, Field(description="Whether it carries a signature, valid or not.", examples=[False])]
    files_changed: Annotated[
        int | None, Field(description="Null while unknown, and where it cannot be had.", examples=[2])
    ]
    lines_added: Annotated[int | None, Field(description="As `files_changed`.", examples=[10])]
    lines_deleted: Annotated[int | None, Field(description="As `files_changed`.", examples=[3])]

    @classmethod
    def of(cls, record: CommitRecord) -> "CommitAnswer":
        """Show a commit."""
        return cls(
            sha=record.sha,
            parents=list(record.parents),
            author=SignatureAnswer(name=record.author_name, email=record.author_email, time=record.authored_at),
            committer=SignatureAnswer(
                name=record.committer_name, email=record.committer_email, time=record.committed_at
            ),
            subject=record.subject,
            message=record.message,
            signed=record.signed,
            files_changed=_whole(record.files_changed),
            lines_added=_whole(record.lines_added),
            lines_deleted=_whole(record.lines_deleted),
        )


class CommitPage(BaseModel):
    """Commits, newest first, and where the next page begins."""

    items: Annotated[list[CommitAnswer], Field(description="Can be fewer than `limit` on any page.")]
    next_cursor: NextCursor


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
