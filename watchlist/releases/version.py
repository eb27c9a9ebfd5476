"""Which tags are versions, of what, and which of two versions is the higher one.

Read are the usual spellings: `v1.2.3`, `1.2`, `release-1.2.3`, `name-1.2.3` and `name@1.2.3` of repositories with
several packages, `REL_15_3`, `2024.01` and `2024-01-15`, with the pre-releases of PEP 440 and of Semantic Versioning,
and the qualifiers of Maven. What PEP 440 knows is read by `packaging`.
"""

import re
from dataclasses import dataclass, replace

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440

_LONGEST = 128
"""No version is longer; names can be."""

_LARGEST_NUMBER = 18
"""Digits; what has more is no number of a version but a hash."""

_STARTS = re.compile(r"(?:^|(?<=[@/_.+-])|(?<=[^\W\d_]))(?:[vV][._-]?)?(?=\d)")
_VERSION = re.compile(r"(\d+(?:[._]\d+)*|\d{4}-\d{2}(?:-\d{2})?(?!\d))(.*)", re.DOTALL)
_DATE = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?(?![\d])")
_REVISION = re.compile(r"([a-z])")
_FINAL = re.compile(r"[._-]?(?:final|ga|release|lts|stable)", re.IGNORECASE)
_LATER = re.compile(r"[._-]?(?:sp|post|patch|p|pl|rev|r|hotfix)[._-]?(\d+)", re.IGNORECASE)
_EARLIER = re.compile(
    r"[._-]?(?:alpha|beta|a|b|rc|cr|c|pre|preview|dev|m|milestone|snapshot|nightly|canary|next|ea|eap|test|unstable|"
    r"insiders?|experimental|candidate)[0-9a-z]*(?:[._-][0-9a-z]+)*",
    re.IGNORECASE,
)
_SEMANTIC = re.compile(r"-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*")
_BUILD = re.compile(r"\+[0-9A-Za-z.-]+$")
_PARTS = re.compile(r"(\d+)|([a-z]+)")
_NAMED_MAIN = frozenset({"", "v", "r", "rel", "release", "releases", "ver", "version", "tag", "tags", "n"})
_NO_RELEASES = frozenset({"build", "ci", "pr", "pull", "issue", "run", "test", "tests", "deploy", "backup"})
_UNFINISHED = frozenset(
    {"rc", "pre", "nightly", "snapshot", "weekly", "daily", "dev", "canary", "edge", "beta", "alpha", "preview"}
)
_SAME = {"alpha": "a", "beta": "b", "cr": "rc", "c": "rc", "pre": "rc", "preview": "rc", "milestone": "m"}
_YEARS = range(1970, 2100)
_OF_A_DATE = 10_000
"""A whole date divided by this, as 20240115, is its year."""

_NaturalKey = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """The place of a version among those of one product and scheme; the least is the lowest.

    Attributes:
        epoch: of PEP 440.
        numbers: its numbers, without zeros at the end.
        is_final: whether it is no pre-release.
        suffix: what stands behind the numbers.
    """

    epoch: int
    numbers: tuple[int, ...]
    is_final: bool
    suffix: _NaturalKey


@dataclass(frozen=True, slots=True)
class Version:
    """A tag's name, read as a version.

    Attributes:
        product: what it is a version of, in lower case; empty for the repository as a whole.
        text: the version without prefix, as it is written.
        by_date: whether its first number is a year or a date.
        rank: its place among those with the same `product` and `by_date`.
    """

    product: str
    text: str
    by_date: bool
    rank: Rank

    @property
    def is_prerelease(self) -> bool:
        """Whether it is one before a release."""
        return not self.rank.is_final

    @property
    def line(self) -> tuple[str, bool]:
        """What it can be compared with."""
        return self.product, self.by_date


def parse(tag: str, repository: str = "") -> Version | None:
    """Return the version that a tag's name stands for; None where it is none.

    Args:
        tag: without `refs/tags/`.
        repository: its name: a product of this name is the repository as a whole.
    """
    if len(tag) > _LONGEST:
        return None
    for start in _STARTS.finditer(tag):
        product, is_unfinished = _product(tag[: start.start()], repository)
        if product in _NO_RELEASES:
            return None
        text = tag[start.end() :]
        is_attached = start.start() > 0 and tag[start.start() - 1].isalpha()
        if (rank := _rank(text, is_attached=is_attached, names_product=bool(product))) is not None:
            if is_unfinished:
                rank = replace(rank, is_final=False)
            return Version(product, text, _is_year(rank.numbers), rank)
    return None


def _product(prefix: str, repository: str) -> tuple[str, bool]:
    """Return what a version is of, and whether its prefix says that it is a pre-release."""
    words = re.split(r"[@/_. -]+", prefix.strip("@/_.+- ").lower())
    is_unfinished = words[-1] in _UNFINISHED
    while words and words[-1] in _NAMED_MAIN | _UNFINISHED:
        words.pop()
    while words and words[0] in _NAMED_MAIN:
        words.pop(0)
    product = "-".join(words)
    name = "-".join(re.split(r"[_.-]+", repository.lower()))
    return "" if product == name else product, is_unfinished


def _rank(text: str, *, is_attached: bool, names_product: bool) -> Rank | None:
    dated = _DATE.match(text)
    if dated:
        text = ".".join(part for part in dated.groups() if part) + text[dated.end() :]
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    digits = re.split(r"[._]", match[1])
    if any(len(each) > _LARGEST_NUMBER for each in digits):
        return None
    numbers = tuple(map(int, digits))
    if is_attached and len(numbers) == 1 and (names_product or not _is_year(numbers)):
        return None  # `python3`, `sha256`, and the builds `b1969`, `b1970`, `b1971`; but `release2024`
    return _ranked_by(numbers, _BUILD.sub("", match[2]))


def _ranked_by(numbers: tuple[int, ...], rest: str) -> Rank | None:
    """Return the rank of these numbers with what stands behind them; None where that makes no version."""
    if not rest or _FINAL.fullmatch(rest):
        return _ranked(numbers, is_final=True)
    revision = _REVISION.fullmatch(rest)
    if revision and (len(numbers) > 1 or _is_year(numbers)):  # as in `1.0.2k` and `3.7b`; a beta has a number
        return _ranked(numbers, is_final=True, suffix=revision[1])
    if (known := _known(".".join(map(str, numbers)) + rest)) is not None:
        return known
    if later := _LATER.fullmatch(rest):
        return _ranked(numbers, is_final=True, suffix=later[1])
    is_earlier = _EARLIER.fullmatch(rest) or (len(numbers) > 1 and _SEMANTIC.fullmatch(rest))
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


def _is_year(numbers: tuple[int, ...]) -> bool:
    """Whether the version is a date: its first number is a year of four digits, or a whole date."""
    first = numbers[0]
    return first in _YEARS or first // _OF_A_DATE in _YEARS
