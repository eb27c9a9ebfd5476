"""What a page of commits shows."""

from typing import Annotated

from pydantic import BaseModel, Field

from functions.http.shapes.fields import Moment, NextCursor, Sha
from watchlist import limits
from watchlist.history.commits import Signature
from watchlist.history.segments import KeptCommit


class SignatureAnswer(BaseModel):
    """Who and when."""

    name: Annotated[str, Field(description="As git has it, cut to size.", examples=["Ada Lovelace"])]
    email: Annotated[str, Field(description="As git has it, cut to size.", examples=["ada@example.org"])]
    time: Annotated[Moment, Field(description="In UTC.")]

    @classmethod
    def of(cls, signature: Signature) -> "SignatureAnswer":
        """Show a signature."""
        return cls(name=signature.name, email=signature.email, time=signature.time)


class CommitAnswer(BaseModel):
    """One commit."""

    sha: Annotated[Sha, Field(description="The commit's id.")]
    parents: Annotated[
        list[Sha], Field(description=f"Ids of its parents, the first {limits.PARENTS}; more than one make it a merge.")
    ]
    parent_count: Annotated[int, Field(description="How many parents it has.", examples=[1])]
    author: Annotated[SignatureAnswer, Field(description="Who wrote the change.")]
    committer: Annotated[
        SignatureAnswer, Field(description="Who made the commit; pages are in the order of `git log`.")
    ]
    subject: Annotated[str, Field(description="First line of the message.", examples=["Fix the parser"])]
    message: Annotated[str, Field(description="The message, cut to size.", examples=["Fix the parser\n\nIt was late."])]
    signed: Annotated[bool, Field(description="Whether it carries a signature, valid or not.", examples=[False])]
    files_changed: Annotated[
        int | None, Field(description="Null while unknown, and where it cannot be had.", examples=[2])
    ]
    lines_added: Annotated[int | None, Field(description="As `files_changed`.", examples=[10])]
    lines_deleted: Annotated[int | None, Field(description="As `files_changed`.", examples=[3])]

    @classmethod
    def of(cls, kept: KeptCommit) -> "CommitAnswer":
        """Show a commit."""
        commit = kept.commit
        return cls(
            sha=commit.sha,
            parents=list(commit.parents),
            parent_count=kept.parent_count,
            author=SignatureAnswer.of(commit.author),
            committer=SignatureAnswer.of(commit.committer),
            subject=commit.subject,
            message=commit.message,
            signed=commit.signed,
            files_changed=kept.files_changed,
            lines_added=kept.lines_added,
            lines_deleted=kept.lines_deleted,
        )


class CommitPage(BaseModel):
    """Commits, newest first, and where the next page begins."""

    items: Annotated[list[CommitAnswer], Field(description="Can be fewer than `limit` on any page.")]
    next_cursor: NextCursor
