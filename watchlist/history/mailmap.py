"""Which identities are one person: `.mailmap` as git reads it.

Source: gitmailmap(5) and, where it is silent, git's `mailmap.c`; a test compares with `git check-mailmap`.
"""

from dataclasses import dataclass, field

MAX_BYTES = 1024 * 1024
"""Bytes of a mailmap that are read; the rest is ignored."""

_SPACE = " \t\n\r"
"""What git takes for white space."""


@dataclass(slots=True)
class _Replacement:
    name: str | None = None
    email: str | None = None


@dataclass(slots=True)
class _Entry:
    anyone: _Replacement = field(default_factory=_Replacement)
    by_name: dict[str, _Replacement] = field(default_factory=dict)


class Mailmap:
    """Maps a name and email as committed to the proper ones.

    Any bytes are a mailmap: a line that git cannot read counts for nothing. Undecodable bytes are replaced, as they are
    in the names of commits.
    """

    def __init__(self, content: bytes = b"") -> None:
        self._entries: dict[str, _Entry] = {}
        for line in content[:MAX_BYTES].decode(errors="replace").split("\n"):
            if not line.startswith("#"):
                self._add(line)

    def resolve(self, name: str, email: str) -> tuple[str, str]:
        """Return the proper name and email; what the mailmap does not mention is returned as it is."""
        entry = self._entries.get(_folded(email))
        if entry is None:
            return name, email
        replacement = entry.by_name.get(_folded(name), entry.anyone)
        return (
            name if replacement.name is None else replacement.name,
            email if replacement.email is None else replacement.email,
        )

    def _add(self, line: str) -> None:
        first = _identity(line)
        if first is None or not first[1]:
            return
        new_name, new_email, rest = first
        second = _identity(rest)
        if second is None:
            self._set(self._entry(new_email).anyone, new_name, None)
            return
        old_name, old_email, _ = second
        entry = self._entry(old_email)
        if old_name is None:
            self._set(entry.anyone, new_name, new_email)
        else:
            entry.by_name[_folded(old_name)] = _Replacement(new_name, new_email)

    def _entry(self, email: str) -> _Entry:
        return self._entries.setdefault(_folded(email), _Entry())

    @staticmethod
    def _set(replacement: _Replacement, name: str | None, email: str | None) -> None:
        """Later lines add to earlier ones: `Name <email>` keeps the email that another line gave."""
        replacement.name = replacement.name if name is None else name
        replacement.email = replacement.email if email is None else email


def _identity(text: str) -> tuple[str | None, str, str] | None:
    """Split `Name <email>rest`; the name is None where there is none, the whole None where there is no `<…>`."""
    name, opened, remainder = text.partition("<")
    email, closed, rest = remainder.partition(">")
    if not opened or not closed:
        return None
    return name.strip(_SPACE) or None, email, rest


def _folded(text: str) -> str:
    """Lower-case ASCII letters only, as git compares names and emails."""
    return text.encode(errors="replace").lower().decode()
