"""What is shown of addresses that a user shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from functions.http.shapes.fields import Moment
from watchlist import limits
from watchlist.storage.records import OwnShare
from watchlist.watching.shares import ShareKind

_FEED: dict[str, JsonValue] = {"properties": {"kind": {"const": ShareKind.FEED}, "watchlist_id": {"type": "null"}}}
_BADGE: dict[str, JsonValue] = {
    "properties": {"kind": {"const": ShareKind.BADGE}, "watchlist_id": {"type": "string"}},
    "required": ["watchlist_id"],
}


class ShareRequest(BaseModel):
    """What is to be shared."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"oneOf": [_FEED, _BADGE]})

    kind: Annotated[ShareKind, Field(description="A feed of the user's alerts, or a badge.", examples=["badge"])]
    watchlist_id: Annotated[
        str | None,
        Field(
            max_length=limits.IDENTIFIER_CHARACTERS,
            description="Of a badge: which repository; the user must watch it. A feed has none.",
            examples=["watchlist_pallets_flask_1764000000"],
        ),
    ] = None


class ShareAnswer(BaseModel):
    """One shared address. Whoever has its token sees what it shows."""

    token: Annotated[
        str, Field(description="Names it; cannot be guessed.", examples=["yD4sbhXr0qM1rJ0Tq1oVd8oMx0F3n0k8Yw2m5s7u9aQ"])
    ]
    kind: Annotated[ShareKind, Field(description="What it shows.", examples=[ShareKind.BADGE])]
    watchlist_id: Annotated[
        str | None,
        Field(description="The badge's repository; null for a feed.", examples=["watchlist_pallets_flask_1764000000"]),
    ]
    created_at: Annotated[Moment, Field(description="When.")]
    paths: Annotated[
        list[str],
        Field(
            description="Below the API's address: of a feed the Atom document; of a badge the picture, and what "
            "shields.io's endpoint badge reads.",
            examples=[["/badges/yD4sbhXr0qM1rJ0Tq1oVd8oMx0F3n0k8Yw2m5s7u9aQ"]],
        ),
    ]

    @classmethod
    def of(cls, share: OwnShare) -> "ShareAnswer":
        """Show an address."""
        token = share.sk
        is_feed = share.kind == ShareKind.FEED
        return cls(
            token=token,
            kind=ShareKind(share.kind),
            watchlist_id=share.watchlist_id,
            created_at=share.created_at,
            paths=[f"/feeds/{token}"] if is_feed else [f"/badges/{token}", f"/badges/{token}/shields"],
        )


class SharesAnswer(BaseModel):
    """All that a user shares."""

    items: Annotated[list[ShareAnswer], Field(description="In no order.")]
    most: Annotated[int, Field(description="How many a user can have.", examples=[limits.SHARES])]
