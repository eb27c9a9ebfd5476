"""What a message says to people who read it in a chat, before any chat service's form."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is told; a chat message shows the first ones and counts the others.

    Attributes:
        mark: what stands before it, in capitals: how urgent it is. Not of strangers.
        text: for a person; may hold texts of strangers.
        is_urgent: whether it should catch the eye.
    """

    mark: str
    text: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """An address that is shown under a name. Neither is a stranger's text, the address only holds what one may be."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ChatText:
    """The message.

    Attributes:
        title: may hold texts of strangers.
        lines: the first ones come first.
        more: how many there are besides `lines`.
        more_is_least: whether there may be more still.
        links: what a reader can do.
    """

    title: str
    lines: Sequence[Line]
    more: int = 0
    more_is_least: bool = False
    links: Sequence[Link] = ()

    def and_more(self, shown: int) -> str | None:
        """Return what is said of all but the first `shown` lines; None if that is all."""
        number = len(self.lines) - shown + self.more
        return f"and {'at least ' if self.more_is_least else ''}{number} more" if number else None
