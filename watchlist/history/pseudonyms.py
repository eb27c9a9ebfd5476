"""Authors of commits who are to be forgotten: their names and addresses are kept as pseudonyms, now and later on.

Of an author who was erased only a hash of the address is known. Whatever a job reads from a repository passes here
before it is counted or kept, so that a later refresh does not bring the author back. One author has one pseudonym:
figures about people stay what they were.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from watchlist.history.commits import Commit, Signature
from watchlist.storage.records import ErasedAuthor

_NAMED = re.compile(r"(?P<name>[^<>\n:]*)<(?P<address>[^<>\n]{1,320})>")
"""A name and an address, as in the last lines of messages and in `.mailmap`."""

_ADDRESS = re.compile(r"[^\s<>\"'(),;:@]{1,64}@[A-Za-z0-9.-]{1,253}")

_SHORTEST_NAME = 3
"""Letters of a name that is looked for in sentences: a shorter one stands in too many words."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """The authors who were erased.

    Attributes:
        erased: hashes of their addresses.
    """

    erased: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def load(cls) -> Self:
        """Read them."""
        return cls(frozenset(each.sk for each in ErasedAuthor.query(ErasedAuthor.PK, consistent_read=True)))

    def hide(self, address: str) -> bool:
        """Whether this is the address of somebody who was erased."""
        return bool(self.erased) and hash_of(address) in self.erased

    def of_commit(self, commit: Commit) -> Commit:
        """Return the commit as it may be kept."""
        if not self.erased:
            return commit
        return replace(
            commit,
            author=self.of(commit.author),
            committer=self.of(commit.committer),
            subject=self.in_text(commit.subject),
            message=self.in_text(commit.message),
        )

    def of(self, signature: Signature) -> Signature:
        """Return the signature as it may be kept."""
        if not self.hide(signature.email):
            return signature
        return Signature(name_of(signature.email), address_of(signature.email), signature.time)

    def in_text(self, text: str) -> str:
        """Return the text without the addresses of those who were erased, and the names that stand before them."""
        if not self.erased or "@" not in text:
            return text
        return _ADDRESS.sub(self._address, _NAMED.sub(self._named, text))

    def in_mailmap(self, mailmap: bytes) -> bytes:
        """Return a `.mailmap` that gives nobody back the name that was erased."""
        return self.in_text(mailmap.decode(errors="surrogateescape")).encode(errors="surrogateescape")

    def in_json(self, value: Any, names: Collection[str], address: str) -> Any:  # noqa: ANN401 - anything that is JSON
        """Return `value` without what `in_text` hides, and with the pseudonym of `address` for these names."""
        match value:
            case str():
                return _without(self.in_text(value), names, name_of(address))
            case list():
                return [self.in_json(each, names, address) for each in value]
            case dict():
                return {
                    self.in_json(key, names, address): self.in_json(each, names, address) for key, each in value.items()
                }
            case _:
                return value

    def names_beside(self, value: Any) -> set[str]:  # noqa: ANN401 - anything that is JSON
        """Return the texts that stand beside an address that is hidden: what its owner is called."""
        match value:
            case dict():
                parts = [*value.values()]
            case list():
                parts = value
            case _:
                return set()
        texts = {part for part in parts if isinstance(part, str)}
        names = {text for text in texts if "@" not in text} if any(map(self.hide, texts)) else set()
        return names.union(*map(self.names_beside, parts))

    def _named(self, found: "re.Match[str]") -> str:
        name, address = found["name"], found["address"]
        if not self.hide(address):
            return found[0]
        before = name[: len(name) - len(name.lstrip())]
        return f"{before}{name_of(address)} <{address_of(address)}>"

    def _address(self, found: "re.Match[str]") -> str:
        return address_of(found[0]) if self.hide(found[0]) else found[0]


def hash_of(address: str) -> str:
    """Return what is kept of the address of somebody who was erased."""
    return hashlib.sha256(address.strip().lower().encode(errors="replace")).hexdigest()[:32]


def name_of(address: str) -> str:
    """Return the pseudonym of the author with this address."""
    return f"Erased author {hash_of(address)[:8]}"


def address_of(address: str) -> str:
    """Return the address that stands for this one; nobody has it (RFC 2606)."""
    return f"{hash_of(address)[:8]}@erased.invalid"


def _without(text: str, names: Iterable[str], pseudonym: str) -> str:
    for name in names:
        if len(name) >= _SHORTEST_NAME:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", pseudonym, text)
    return text
