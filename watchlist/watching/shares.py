"""Addresses that a user shares: a feed of their alerts, a badge of a repository. Whoever has one needs no name.

An address holds a token that cannot be guessed, and is gone once it is revoked, or when its user stops watching. Two
items each: one found by the token, which says what it shows, and one in the list of its user's. The first is written
first and deleted first, so that no address works that its user cannot see.
"""

import re
import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from watchlist import limits
from watchlist.storage.records import Entry, OwnShare, SharedAddress
from watchlist.watching import entries
from watchlist.watching.entries import EntryNotFoundError

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_BYTES = 32


class ShareKind(StrEnum):
    """What an address shows."""

    FEED = "feed"
    """The user's alerts, newest first among the open ones."""

    BADGE = "badge"
    """The verdict of one repository."""


class ShareNotFoundError(Exception):
    """There is no such address, or no more; the message repeats no token."""


class TooManySharesError(Exception):
    """The user shares as many addresses as a user can."""


def of_user(user: str) -> list[OwnShare]:
    """Return what a user shares: one Query."""
    return list(OwnShare.query(OwnShare.pk_of(user), consistent_read=True))


def create(user: str, kind: ShareKind, watchlist_id: str | None, now: datetime) -> OwnShare:
    """Make an address: a Query and two writes.

    What lists it comes first: an address that broke off is seen, ended and erased like any other.

    Raises:
        TooManySharesError: the user shares as many as a user can.
    """
    if OwnShare.count(OwnShare.pk_of(user), consistent_read=True) >= limits.SHARES:
        raise TooManySharesError(user)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    shown: dict[str, Any] = {"user": user, "kind": str(kind), "watchlist_id": watchlist_id, "created_at": now}
    share = OwnShare(OwnShare.pk_of(user), token, **shown)
    share.save()
    SharedAddress(SharedAddress.pk_of(token), SharedAddress.SK, **shown).save()
    return share


def revoke(user: str, token: str) -> None:
    """Let an address of the user's show nothing any more.

    Raises:
        ShareNotFoundError: the user has no such address.
    """
    if not _TOKEN.fullmatch(token):
        raise ShareNotFoundError
    try:
        share = OwnShare.get(OwnShare.pk_of(user), token, consistent_read=True)
    except OwnShare.DoesNotExist:
        raise ShareNotFoundError from None
    SharedAddress(SharedAddress.pk_of(token), SharedAddress.SK).delete()
    share.delete()


def find(token: str, kind: ShareKind) -> SharedAddress:
    """Return what an address shows: one read.

    Raises:
        ShareNotFoundError: nothing.
    """
    if not _TOKEN.fullmatch(token):
        raise ShareNotFoundError
    try:
        shared = SharedAddress.get(SharedAddress.pk_of(token), SharedAddress.SK)
    except SharedAddress.DoesNotExist:
        raise ShareNotFoundError from None
    if shared.kind != kind:
        raise ShareNotFoundError
    return shared


def entry_of(shared: SharedAddress) -> Entry:
    """Return the repository of a badge, as long as its user watches it: one read of both.

    Raises:
        ShareNotFoundError: the user watches it no more.
    """
    try:
        return entries.find_for(shared.watchlist_id, shared.user)
    except EntryNotFoundError:
        raise ShareNotFoundError from None
