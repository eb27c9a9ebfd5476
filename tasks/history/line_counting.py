"""How many lines each file of many commits gained and lost.

The contents that differ are put into groups. While the server sends one group, another is counted here. All versions
of one file name come in the same group. A server looks for small differences among objects of one name; objects that
are asked for by id have no names, so it compares those that are next to each other in size. The fewer objects it has,
the sooner it is done.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Protocol
from zlib import crc32

from tasks.history.parallel import AT_ONCE
from tasks.history.path_text import path_text
from tasks.history.store import ContentPair, LineCount, TreePair
from watchlist.errors import ErrorCode, JobError
from watchlist.history.commits import FileChange

BLOBS_IN_GROUP = 250
"""Contents that come together, and that are counted at once where they are here already. A thousand commits of cargo
and of helm take 53 requests and 6.6 MB; with 1000 in a group 33 and 6.9 MB, all in one 28 and 7.7 MB
(`python -m bench.search_constants`)."""

MOST_GROUPS = 16
"""Each group is a request: what is very much comes in larger groups instead. With 4 the same takes 34 requests and
6.9 MB; 64 change nothing there."""

_SKIPPED_IN_GROUP = 20
"""Damaged contents until the group is given up: each is found by halving, in a group of 250 by eight tries more."""

_LOST_CONTENT = {ErrorCode.OUT_OF_MEMORY, ErrorCode.TRANSFER_INVALID}


class LineCounter(Protocol):
    """Who counts; see ObjectStore."""

    def line_counts(self, contents: Sequence[ContentPair]) -> Mapping[ContentPair, LineCount]:
        """Count the lines that differ."""


class ChangedFiles(Protocol):
    """What differs between each two trees; see TreeDifferences."""

    def contents(self, pairs: Iterable[TreePair]) -> dict[ContentPair, bytes]:
        """Return each content that differs, with a file name that it has."""

    def files(self, pair: TreePair) -> Iterable[tuple[bytes, ContentPair]]:
        """Return path and content of each file that differs."""


@dataclass(frozen=True, slots=True)
class SomeFiles:
    """The first files that differ between each two trees, where all are too many."""

    differences: ChangedFiles
    most: int
    most_path_bytes: int

    def contents(self, pairs: Iterable[TreePair]) -> dict[ContentPair, bytes]:
        """Return each content that differs, with a file name that it has."""
        return {content: path.rpartition(b"/")[2] for pair in pairs for path, content in self.files(pair)}

    def files(self, pair: TreePair) -> Iterable[tuple[bytes, ContentPair]]:
        """Return path and content of each file that differs."""
        left = self.most_path_bytes
        for path, content in islice(self.differences.files(pair), self.most):
            left -= len(path)
            if left < 0:
                return
            yield path, content


class BlobSource(Protocol):
    """Where the contents come from; see Source. Threads use it at the same time."""

    @property
    def store(self) -> LineCounter:
        """The store that they come into."""

    def missing(self, oids: Collection[str]) -> Collection[str]:
        """Return those that the store has not."""

    def fetch_by_name(self, oids: Sequence[str]) -> None:
        """Fetch blobs."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Blobs that come together, and what can be counted when they are there."""

    blobs: list[str] = field(default_factory=list)
    contents: list[ContentPair] = field(default_factory=list)


def count_lines(
    pairs: Sequence[TreePair],
    differences: ChangedFiles,
    source: BlobSource,
    partly: Callable[[TreePair, int], None] | None = None,
) -> Iterator[tuple[TreePair, tuple[FileChange, ...]]]:
    """Yield the changed files of each two trees, as soon as they are known.

    A pair is left out when a content that it needs is damaged, or too large for the memory: `partly` then gets it with
    the lines that its other files gained and lost.

    Raises:
        FetchRefusedError: the server does not give objects by name.
        JobError: the transfer failed or broke a limit.
    """
    groups, rest = _grouped(differences.contents(pairs), source)
    group_of = {content: number for number, group in enumerate([*groups, rest]) for content in group.contents}
    awaited = {pair: {group_of[content] for _, content in differences.files(pair)} for pair in pairs}
    counts: dict[ContentPair, LineCount] = {}
    for number, counted in _counted(groups, rest, source):
        counts.update(counted)
        for pair, numbers in list(awaited.items()):
            numbers.discard(number)
            if not numbers:
                del awaited[pair]
                files = [(path, counts.get(content)) for path, content in differences.files(pair)]
                known = tuple(_file_change(path, count) for path, count in files if count)
                if len(known) == len(files):
                    yield pair, known
                elif partly is not None:
                    partly(pair, sum((change.added or 0) + (change.deleted or 0) for change in known))


def _grouped(contents: Mapping[ContentPair, bytes], source: BlobSource) -> tuple[list[_Group], _Group]:
    """Return groups that do not need each other's blobs, and one of the contents that need those of several."""
    names: dict[str, bytes] = {}
    for content, name in contents.items():
        for oid in _blobs(content):
            names.setdefault(oid, name)
    missing = source.missing(names)
    count = max(1, min(MOST_GROUPS, round(len(missing) / BLOBS_IN_GROUP)))
    home_of = {oid: crc32(names[oid]) % count for oid in missing}
    groups, rest, complete = [_Group() for _ in range(count)], _Group(), []
    for oid, home in home_of.items():
        groups[home].blobs.append(oid)
    for content in contents:
        match [*{home_of[oid] for oid in _blobs(content) if oid in home_of}]:
            case []:
                complete.append(content)
            case [home]:
                groups[home].contents.append(content)
            case _:
                rest.contents.append(content)
    half = max(BLOBS_IN_GROUP, ceil(len(complete) / AT_ONCE))
    return [*groups, *(_Group(contents=complete[at : at + half]) for at in range(0, len(complete), half))], rest


def _blobs(content: ContentPair) -> set[str]:
    """Return the ids of what git reads to count; where only the mode differs, it reads whether the file is binary."""
    return {entry.oid for entry in content if entry and entry.is_blob}


def _counted(
    groups: Sequence[_Group], rest: _Group, source: BlobSource
) -> Iterator[tuple[int, Mapping[ContentPair, LineCount]]]:
    """Yield each group's number and counts when it is done; the rest, whose number is the last, comes last.

    After an error no group is begun any more; what those that go on come to is given out before it is raised.
    """
    failed = threading.Event()

    def work(group: _Group) -> Mapping[ContentPair, LineCount] | None:
        return None if failed.is_set() else _fetch_and_count(group, source)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        largest_first = sorted(enumerate(groups), key=lambda numbered: len(numbered[1].blobs), reverse=True)
        numbers = {pool.submit(work, group): number for number, group in largest_first}
        errors = []
        try:
            for done in as_completed(numbers):
                if error := done.exception():
                    errors.append(error)
                    failed.set()
                elif (counts := done.result()) is not None:
                    yield numbers[done], counts
        finally:
            failed.set()
    if errors:
        raise errors[0]
    yield len(groups), _fetch_and_count(rest, source)


def _fetch_and_count(group: _Group, source: BlobSource) -> Mapping[ContentPair, LineCount]:
    source.fetch_by_name(group.blobs)
    return _count(group.contents, source.store)


def _count(contents: Sequence[ContentPair], store: LineCounter) -> Mapping[ContentPair, LineCount]:
    """Count; where git fails, halve until only the content at which it fails is left out."""
    counts: dict[ContentPair, LineCount] = {}
    work, skipped = [contents], 0
    while work:
        left = work.pop()
        try:
            counts.update(store.line_counts(left))
        except JobError as error:
            if error.code not in _LOST_CONTENT:
                raise
            if len(left) > 1:
                work += [left[len(left) // 2 :], left[: len(left) // 2]]
                continue
            skipped += 1
            if skipped > _SKIPPED_IN_GROUP:
                raise
    return counts


def _file_change(path: bytes, count: LineCount) -> FileChange:
    return FileChange(path=path_text(path), added=count.added, deleted=count.deleted)
