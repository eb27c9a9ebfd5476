"""What a repository's host says of it: the `package` of the HTTP API."""

from pydantic import BaseModel, ConfigDict


class Package(BaseModel):
    """A repository as its host describes it; what is not known is None.

    Attributes:
        name: as `owner/name`, with the host's spelling.
        url: where people look at it.
        language: the main programming language.
        license: SPDX identifier where the host knows it, otherwise the host's name of it.
        renamed_to: its present `owner/name`, when the host answers the asked one with another.
        reason: why the host's description is missing; None when it is there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    url: str
    description: str | None = None
    default_branch: str | None = None
    stars: int | None = None
    forks: int | None = None
    language: str | None = None
    license: str | None = None
    archived: bool | None = None
    renamed_to: str | None = None
    reason: str | None = None
