"""Which tags are versions, of what, and which of two versions is the higher one.

Read are the usual spellings: `v1.2.3`, `1.2`, `release-1.2.3`, `core-8-6-13`, `name-1.2.3`, `name@1.2.3` and
`name==1.2.3` of repositories with several packages, `REL_15_3`, `r160`, `2024.01`, `2024-01-15` and `20240115`; with
the pre-releases of PEP 440 and of Semantic Versioning, and the qualifiers of Maven and OSGi. What PEP 440 knows is read
by `packaging`. A version begins with a whole number and ends with the tag's name: numbers with something unknown behind
them make no version, and neither does a part of them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum, auto

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440

_LONGEST = 128
"""No version is longer; names can be."""

_LARGEST_NUMBER = 18
"""Digits; what has more is no number of a version but a hash."""

_LARGEST_FIRST = 7
"""Digits of a version's first number; what has more is a date, or an id."""

_PACKAGE = re.compile(r".*[@/=]", re.DOTALL)
"""Paths and names of packages: the version stands behind them."""

_NUMBERS = re.compile(
    r"(?<!\d)(?<!\d\.)(?:"  # no part of a number is one, in whatever script it is written
    r"[0-9]{4}-[0-9]{2}(?:[._-][0-9]+)*"
    r"|[0-9]+(?:\.[0-9]+)+(?:_[0-9]+)*"
    r"|[0-9]+(?:_[0-9]+)+(?!\.[0-9])"
    r"|(?<![^\W\d_vV])[0-9]+(?:-[0-9]+)+(?![._-][0-9])"
    r"|[0-9]+)(?![0-9])"
)
_MACHINE = re.compile(r"x86_64", re.IGNORECASE)
"""The one machine whose name has numbers like a version's."""

_V = re.compile(r"(?<![^\W\d_])[vV][._-]?$")
_DASHED_DATE = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?(?![0-9])")
_WHOLE_DATE = re.compile(r"([0-9]{4})([0-9]{2})(?:([0-9]{2})((?:[0-9]{2}){0,3}))?")
_PATCH_LETTER = re.compile(r"[a-z]|z[a-z]")
_FINAL = re.compile(r"[._-]?(?:final|ga|release|rtm|lts|stable)|-r", re.IGNORECASE)
_LATER = re.compile(r"[._-]?(?:sp|sr|post|patch|p|pl|rev|r|hotfix|build)[._-]?([0-9]+)|\.v([0-9]{8,12})", re.IGNORECASE)
_EARLIER = re.compile(
    r"[._-]?(?:alpha|beta|a|b|rc|cr|c|pre|prerelease|preview|pr|dev|m|milestone|snapshot|nightly|canary|next|ea|eap|"
    r"test|unstable|insiders?|experimental|candidate)(?![a-z])(?:[0-9]+[a-z]?)?(?:[._-][0-9a-z]+)*",
    re.IGNORECASE,
)
_SEMANTIC = re.compile(r"(?:[._](?:final|ga|release|sp[0-9]+))?-[0-9a-z-]+(?:\.[0-9a-z-]+)*", re.IGNORECASE)
_BUILD = re.compile(r"\+[0-9A-Za-z._-]+$")
_PARTS = re.compile(r"([0-9]+)|([a-z]+)")
_WORD = re.compile(r"[^\W_]+")
_REVISION = frozenset({"r", "rev", "revision"})
_NAMED_MAIN = _REVISION | {"v", "rel", "release", "releases", "ver", "version", "tag", "tags", "n", "stable"}
_NO_RELEASES = frozenset({"build", "ci", "pr", "pull", "issue", "run", "test", "tests", "deploy", "backup"})
_UNFINISHED = frozenset(
    {"rc", "pre", "nightly", "snapshot", "weekly", "daily", "dev", "canary", "edge", "beta", "alpha", "preview", "next"}
)
_SAME = {"alpha": "a", "beta": "b", "cr": "rc", "c": "rc", "pre": "rc", "preview": "rc", "milestone": "m"}
_YEARS = range(1970, 2100)

_NaturalKey = tuple[tuple[int, int, str], ...]


class Scheme(IntEnum):
    """By what versions of a product are numbered: a product can change it, and begin anew."""

    REVISIONS = auto()
    """`r160`: a release of a few products, and in others a mark."""
    NUMBERS = auto()
    DATES = auto()


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """The place of a version among those of one product and scheme; the least is the lowest.

    Attributes:
        epoch: of PEP 440.
        numbers: its numbers, without zeros at the end; a date as year, month and day.
        is_final: whether it is no pre-release.
        suffix: what stands behind the numbers.
        build: what stands behind a plus.
    """

    epoch: int
    numbers: tuple[int, ...]
    is_final: bool
    suffix: _NaturalKey
    build: _NaturalKey = ()


@dataclass(frozen=True, slots=True)
class Version:
    """A tag's name, read as a version.

    Attributes:
        product: what it is a version of, in lower case; empty for the repository as a whole.
        text: the version without prefix, as it is written.
        scheme: by what it is numbered.
        rank: its place among those with the same `product` and `scheme`.
    """

    product: str
    text: str
    scheme: Scheme
    rank: Rank

    @property
    def is_prerelease(self) -> bool:
        """Whether it is one before a release."""
        return not self.rank.is_final

    @property
    def line(self) -> tuple[str, Scheme]:
        """What it can be compared with."""
        return self.product, self.scheme


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What stands before a version's numbers.

    Attributes:
        product: as in `Version`; None where such a name is no release.
        is_unfinished: whether it says that the version is a pre-release.
        is_revision: whether it says that the numbers are those of a revision.
        is_attached: whether it ends with a letter.
    """

    product: str | None
    is_unfinished: bool
    is_revision: bool
    is_attached: bool


def parse(tag: str, repository: str = "") -> Version | None:
    """Return the version that a tag's name stands for; None where it is none.

    Args:
        tag: without `refs/tags/`.
        repository: its name: a product of this name is the repository as a whole.
    """
    if len(tag) > _LONGEST or _MACHINE.search(tag):
        return None
    package = _PACKAGE.match(tag)
    for found in _NUMBERS.finditer(tag, package.end() if package else 0):
        prefix = _prefix(tag[: found.start()], repository)
        if prefix.product is None:
            return None
        rank = _rank(prefix, found[0], tag[found.end() :])
        if rank is not None:
            return Version(prefix.product, tag[found.start() :], _scheme(prefix, rank.numbers), rank)
        if not found[0].isdecimal():
            return None  # only one number alone can belong to a name, as in `python3-lib-1.0`
    return None


def _prefix(text: str, repository: str) -> _Prefix:
    text = _V.sub("", text)
    words = _WORD.findall(text.lower())
    last = words[-1] if words else ""
    is_named = text.endswith(("@", "=")) and len(words) > 1  # as `@scope/pre@1.0`: a package may have any name
    if not is_named:
        while words and words[-1] in _NAMED_MAIN | _UNFINISHED:
            words.pop()
        while words and words[0] in _NAMED_MAIN:
            words.pop(0)
    product: str | None = "" if words == _WORD.findall(repository.lower()) else "-".join(words)
    if product in _NO_RELEASES or (words and all(map(str.isdecimal, words))):
        product = None
    return _Prefix(
        product,
        is_unfinished=not is_named and last in _UNFINISHED,
        is_revision=not is_named and last in _REVISION,
        is_attached=text[-1:].isalpha(),
    )


def _scheme(prefix: _Prefix, numbers: Sequence[int]) -> Scheme:
    if prefix.is_revision:
        return Scheme.REVISIONS
    return Scheme.DATES if numbers[0] in _YEARS else Scheme.NUMBERS


def _rank(prefix: _Prefix, text: str, rest: str) -> Rank | None:
    """Return the rank of the version with these numbers, as they are written, and what stands behind them."""
    digits = re.split(r"[._-]", text)
    if any(len(each) > _LARGEST_NUMBER for each in digits):
        return None
    numbers = tuple(map(int, digits)) if prefix.is_revision else _dated(text, digits)
    if numbers is None:
        return None
    if prefix.is_attached and len(numbers) == 1 and (prefix.product or prefix.is_unfinished):
        return None  # `python3`, `sha256`, and the builds `b1969`, `b1970`, `b1971`; but `release2024`
    build = _BUILD.search(rest)
    qualifier = rest[: build.start()] if build else rest
    is_semantic = len(numbers) > 1 and ("-" not in text or numbers[0] in _YEARS)
    rank = _ranked_by(numbers, qualifier, is_semantic=is_semantic)
    if rank is None:
        return None
    return replace(rank, is_final=rank.is_final and not prefix.is_unfinished, build=_natural(build[0]) if build else ())


def _dated(text: str, digits: Sequence[str]) -> tuple[int, ...] | None:
    """Return the numbers, a date as year, month and day; None for dates of no calendar, and for ids."""
    numbers = tuple(map(int, digits))
    dashed = _DASHED_DATE.match(text)
    if dashed and numbers[0] in _YEARS:
        return numbers if _is_date(*map(int, dashed.groups(default="1"))) else None
    whole = _WHOLE_DATE.fullmatch(digits[0])
    if whole and _is_date(*map(int, whole.groups(default="1")[:3])):
        return tuple(int(part) for part in whole.groups() if part) + numbers[1:]
    return numbers if len(digits[0]) <= _LARGEST_FIRST else None


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day).year in _YEARS
    except ValueError:
        return False


def _ranked_by(numbers: tuple[int, ...], rest: str, *, is_semantic: bool) -> Rank | None:
    """Return the rank of these numbers with what stands behind them; None where that makes no version."""
    if not rest or _FINAL.fullmatch(rest):
        return _ranked(numbers, is_final=True)
    if _PATCH_LETTER.fullmatch(rest) and (len(numbers) > 1 or numbers[0] in _YEARS):
        return _ranked(numbers, is_final=True, suffix=rest)  # as in `1.0.2k` and `3.7b`; a beta has a number
    if (known := _known(".".join(map(str, numbers)) + rest)) is not None:
        return known
    if later := _LATER.fullmatch(rest):
        return _ranked(numbers, is_final=True, suffix=later[1] or later[2])
    is_earlier = _EARLIER.fullmatch(rest) or (is_semantic and _SEMANTIC.fullmatch(rest))
    return _ranked(numbers, is_final=False, suffix=rest) if is_earlier else None


def _known(text: str) -> Rank | None:
    """Return the rank of what PEP 440 knows."""
    try:
        read = Pep440(text)
    except (InvalidVersion, ValueError):
        return None
    suffix = ""
    if read.pre is not None:
        suffix = f"{read.pre[0]}{read.pre[1]}"
    elif read.is_devrelease:
        suffix = f"{read.dev}"
    elif read.is_postrelease:
        suffix = f"{read.post}"
    return _ranked(read.release, is_final=not read.is_prerelease, suffix=suffix, epoch=read.epoch)


def _ranked(numbers: tuple[int, ...], *, is_final: bool, suffix: str = "", epoch: int = 0) -> Rank:
    significant = len(numbers)
    while significant > 1 and not numbers[significant - 1]:
        significant -= 1
    return Rank(epoch, numbers[:significant], is_final, _natural(suffix))


def _natural(text: str) -> _NaturalKey:
    """Return a key by which numbers order by value, words by the alphabet, and a number before a word."""
    return tuple(
        (0, int(part[1][:_LARGEST_NUMBER]), "") if part[1] else (1, 0, _SAME.get(part[2], part[2]))
        for part in _PARTS.finditer(text.lower())
    )
