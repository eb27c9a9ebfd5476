"""A tag as git tells it: a module of its own, since those who keep and compare tags need nothing of the protocol."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag.

    Attributes:
        name: without `refs/tags/`; bytes that are no UTF-8 are escaped, so that different names stay different.
        oid: of the object that it names: a commit, or a tag object.
        peeled: of what it stands for in the end; the same where it is not annotated.
    """

    name: str
    oid: str
    peeled: str

    @property
    def is_annotated(self) -> bool:
        """Whether it is an object of its own, with a date."""
        return self.oid != self.peeled
