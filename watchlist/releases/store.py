"""The tags of an entry in DynamoDB: in segments of a few hundred, so that a change writes little again.

    save     a job:    write the segments that changed; the listing counts once the job has put it on the entry
    load     a job:    all tags, and what a lost job has left behind
    page     requests: some releases

Segments end at tags that a checksum of their names chooses, so that one tag more or less changes one of them, wherever
it stands in the order.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from watchlist import limits
from watchlist.history.store import Attempt
from watchlist.releases.kept import KeptTag
from watchlist.releases.listing import Listing
from watchlist.storage import batches, cursors
from watchlist.storage.batches import Patience
from watchlist.storage.records import ENTRY_KEY, TAGS_PREFIX, Entry, TagsRecord

_PLACE = re.compile(r"[0-9]{1,9}")
_LOOKS = 3
"""How often a listing is read until a segment that it names is taken for lost: each time a job has replaced it."""


class TagsLostError(Exception):
    """A segment that counts is not there, though nobody has replaced the listing that names it."""


@dataclass(frozen=True, slots=True)
class KeptTags:
    """The tags of an entry as a job finds them.

    Attributes:
        listing: that counts; None before the first look, and where its segments are not all there.
        segments: by their ids.
        left_over: ids of segments that do not count.
    """

    listing: Listing | None
    segments: Mapping[str, tuple[KeptTag, ...]]
    left_over: tuple[str, ...]

    @property
    def tags(self) -> Sequence[KeptTag]:
        """All that are kept."""
        named = self.listing.segments if self.listing else ()
        return [tag for segment_id, _ in named for tag in self.segments[segment_id]]


@dataclass(frozen=True, slots=True)
class Page:
    """Releases, newest first, and the cursor of the next page, None at the end."""

    releases: tuple[KeptTag, ...]
    next_cursor: str | None


def load(entry: Entry) -> KeptTags:
    """Return the tags of an entry.

    Raises:
        PynamoDBException: DynamoDB did not answer.
    """
    found = TagsRecord.query(entry.watchlist_id, TagsRecord.sk.startswith(TAGS_PREFIX), consistent_read=True)
    segments = {record.sk.removeprefix(TAGS_PREFIX): _tags(record) for record in found}
    listing = Listing.of(entry)
    named = {segment_id for segment_id, _ in listing.segments} if listing else set()
    if not named <= segments.keys():
        return KeptTags(None, segments, tuple(segments))
    return KeptTags(listing, segments, tuple(segments.keys() - named))


def save(attempt: Attempt, tags: Sequence[KeptTag], digest: str, stored: KeptTags, patience: Patience) -> Listing:
    """Write what changed, and return the listing, which is still to be put on the entry.

    Args:
        attempt: who writes.
        tags: all, in the catalog's order; the first `limits.TAGS_KEPT` are kept.
        digest: of all.
        stored: what there was.
        patience: how long to go on.

    Raises:
        PynamoDBException: DynamoDB did not take them all.
    """
    present = {segment: segment_id for segment_id, segment in stored.segments.items()}
    rows: list[tuple[str, int]] = []
    written: list[TagsRecord] = []
    for segment in _segments(tags[: limits.TAGS_KEPT]):
        segment_id = present.get(segment)
        if segment_id is None or segment_id in stored.left_over:
            segment_id = attempt.new_id()
            written.append(
                TagsRecord(attempt.watchlist_id, TAGS_PREFIX + segment_id, tags=[tag.to_row() for tag in segment])
            )
        rows.append((segment_id, len(segment)))
    batches.put(written, patience)
    releases = sum(tag.release is not None for tag in tags[: limits.TAGS_KEPT])
    return Listing(digest, len(tags), releases, tuple(rows))


def clean(attempt: Attempt, stored: KeptTags, patience: Patience) -> None:
    """Remove the segments of earlier attempts that did not count when `stored` was loaded.

    Raises:
        PynamoDBException: DynamoDB did not take them all.
    """
    left_over = [segment_id for segment_id in stored.left_over if attempt.is_after(segment_id)]
    batches.delete([TagsRecord(attempt.watchlist_id, TAGS_PREFIX + each) for each in left_over], patience)


def page(entry: Entry, limit: int, cursor: str | None) -> Page:
    """Return at most `limit` releases after `cursor`.

    A cursor counts from the last release, so that new ones move nothing.

    Raises:
        InvalidCursorError: the cursor is malformed.
        TagsLostError: the tags cannot be read.
    """
    left = int(cursors.decode(cursor, _PLACE)[0]) if cursor else None
    for _ in range(_LOOKS):
        listing = Listing.of(entry)
        if listing is None:
            return Page((), None)
        begin = 0 if left is None else max(listing.releases - left, 0)
        try:
            shown = _read(entry.watchlist_id, listing, begin, min(begin + limit, listing.releases))
        except TagsLostError:
            entry = Entry.get(entry.watchlist_id, ENTRY_KEY, consistent_read=True)
        else:
            rest = listing.releases - begin - len(shown)
            return Page(tuple(shown), cursors.encode(str(rest)) if rest else None)
    raise TagsLostError(entry.watchlist_id)


def _read(watchlist_id: str, listing: Listing, begin: int, end: int) -> list[KeptTag]:
    found: list[KeptTag] = []
    place = 0
    for segment_id, count in listing.segments:
        if place < end and place + count > begin:
            try:
                record = TagsRecord.get(watchlist_id, TAGS_PREFIX + segment_id, consistent_read=True)
            except TagsRecord.DoesNotExist:
                raise TagsLostError(segment_id) from None
            found += _tags(record)[max(begin - place, 0) : end - place]
        place += count
    return found


def _tags(record: TagsRecord) -> tuple[KeptTag, ...]:
    return tuple(map(KeptTag.of_row, record.tags))


def _segments(tags: Sequence[KeptTag]) -> Iterator[tuple[KeptTag, ...]]:
    segment: list[KeptTag] = []
    for tag in tags:
        segment.append(tag)
        is_chosen = zlib.crc32(tag.name.encode(errors="replace")) % limits.TAGS_OF_A_SEGMENT == 0
        is_end = is_chosen and len(segment) >= limits.TAGS_OF_A_SEGMENT_MIN  # names can be made to be chosen
        if is_end or len(segment) == limits.TAGS_OF_A_SEGMENT_MAX:
            yield tuple(segment)
            segment = []
    if segment:
        yield tuple(segment)
