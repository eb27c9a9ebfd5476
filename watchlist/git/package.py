"""What a repository's host says of it: the `package` of the HTTP API."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Package(BaseModel):
    """A repository as its host describes it; what is not known is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(description="As `owner/name`, with the host's spelling.", examples=["pallets/flask"])]
    url: Annotated[str, Field(description="Where people look at it.", examples=["https://github.com/pallets/flask"])]
    description: Annotated[
        str | None,
        Field(
            description="In the words of its owner.",
            examples=["The Python micro framework for building web applications."],
        ),
    ] = None
    default_branch: Annotated[str | None, Field(description="The branch that is analysed.", examples=["main"])] = None
    stars: Annotated[int | None, Field(description="Users who have marked it.", examples=[71000])] = None
    forks: Annotated[int | None, Field(description="Copies on the same host.", examples=[16700])] = None
    language: Annotated[str | None, Field(description="The main programming language.", examples=["Python"])] = None
    license: Annotated[
        str | None,
        Field(
            description="SPDX identifier where the host knows it, otherwise the host's name of it.",
            examples=["BSD-3-Clause"],
        ),
    ] = None
    archived: Annotated[
        bool | None, Field(description="Whether its owner has declared it finished.", examples=[False])
    ] = None
    renamed_to: Annotated[
        str | None,
        Field(
            description="Its present `owner/name`, when the host answers the asked one with another.", examples=[None]
        ),
    ] = None
    reason: Annotated[
        str | None,
        Field(description="Why the host's description is missing; null when it is there.", examples=[None]),
    ] = None
