"""What every message to a user is made of: the body of a webhook call, the text of an e-mail, the text in a chat."""

from abc import abstractmethod
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from watchlist import clock
from watchlist.notifications.chat_text import ChatText

Moment = Annotated[datetime, PlainSerializer(clock.to_json, return_type=str)]

_SUBJECT_CHARACTERS = 100
"""SNS takes so many printable ASCII characters, "Publish" in its API reference."""


class Message(BaseModel):
    """A message; its fields are the body of a webhook call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(description="The same when the same message is delivered again.")]
    created_at: Moment

    @property
    @abstractmethod
    def chat_text(self) -> ChatText:
        """The message as people read it."""

    @property
    def subject(self) -> str:
        """The subject of an e-mail."""
        printable = "".join(each if " " <= each <= "~" else "?" for each in self.chat_text.title)
        return printable[:_SUBJECT_CHARACTERS]

    @property
    def text(self) -> str:
        """The text of an e-mail."""
        told = self.chat_text
        lines = [f"[{line.mark}] {line.text}" for line in told.lines]
        and_more = told.and_more(len(told.lines))
        more = [f"... {and_more}."] if and_more else []
        links = [f"{link.name}: {link.url}" for link in told.links]
        return "\n".join((told.title, "", *lines, *more, *([""] if links else []), *links)) + "\n"
