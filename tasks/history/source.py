"""Brings the objects of one repository, in the lightest way that its server offers.

With `filter`, commits come alone and are read in passing; trees and blobs come by name. Without it, whole commits come
into the store and are read from there. A server without version 2 of the protocol is left to git itself, which fetches
everything that HEAD reaches.
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from tasks.history.byte_reader import ByteReader
from tasks.history.commit_parser import RawCommit, read_commit
from tasks.history.git_process import Git
from tasks.history.limits import MIB, FetchLimits, TooLittleLeftError
from tasks.history.pack_stream import (
    OBJECT_BYTES,
    OBJECT_COST,
    UnfilteredPackError,
    commits_and_tags_in,
    commits_in,
)
from tasks.history.parallel import in_parallel
from tasks.history.protocol import FetchRefusedError, FetchRequest, Head, UploadPack
from tasks.history.stock_git import fetch_all, read_branches, read_head, read_tags
from tasks.history.store import ObjectStore
from tasks.history.transport import GitHttpConnections
from watchlist.errors import ErrorCode, JobError
from watchlist.git.answers import BrokenOffError
from watchlist.git.tags import Tags

_WANTS_AT_ONCE = 20_000
"""Objects of one request: a request of 1 MB."""

FIRST_LOOK = 64
LOOKS_PART = 16
"""After how many commits it is looked whether they are enough, and after which part of those that have come again. A
look walks all of them. Half or twice of either changes what is read by less than answers differ from run to run;
without looks, large histories are read twice as far as is needed (`python -m bench.search_constants`)."""

_NO_LARGE_FILES = "blob:limit=256k"
"""With whole commits come files up to this size; a larger one is asked for by name if it matters."""

_TAGGED_BYTES = 8 * MIB
"""Most that tags and their commits take in memory whose dates are asked for: some hundred kilobytes, as a rule."""

_NO_TAGS = frozenset({ErrorCode.REPOSITORY_TOO_LARGE, ErrorCode.TRANSFER_INVALID})
"""How an answer ends that has something larger in it, as a file that is tagged."""

_PACK_HEADER = 12
_READ_SIZE = 64 * 1024
_HALVINGS = 200
"""Requests of one run that are made again in two halves, because the server did not answer them to the end."""


class _TooMuchError(Exception):
    """More came than was worth it."""


class Source:
    """Commits in memory, trees and blobs in the store.

    Attributes:
        known: all commits that have come so far, by id.
        lost: objects that were asked for by name, and that the server cannot give.
        gives_objects: whether the server is asked for trees and blobs by id; set it to False when it refused.
    """

    def __init__(self, connections: GitHttpConnections, git: Git, limits: FetchLimits) -> None:
        self._connections = connections
        self._upload_pack = UploadPack(connections)
        self._git = git
        self._limits = limits
        self._store: ObjectStore | None = None
        self._head: Head | None = None
        self._objects_left = limits.objects
        self._asked: set[str] = set()
        self._came_unasked = False
        self._lock = threading.Lock()
        self._commit_bytes_left = limits.commit_bytes
        self._ignores_filter = False
        self._came_by_name = False
        self._halvings_left = _HALVINGS
        self.known: dict[str, RawCommit] = {}
        self.lost: set[str] = set()
        self.gives_objects = True

    @property
    def filters(self) -> bool:
        """Whether commits come without trees and blobs: servers may offer that, and then not do it."""
        return self._upload_pack.capabilities.filter and not self._ignores_filter

    @property
    def deepens(self) -> bool:
        """Whether the server cuts a history at a date or a depth."""
        return self._upload_pack.capabilities.shallow

    @property
    def store(self) -> ObjectStore:
        """The store, created when it is first needed."""
        with self._lock:
            if self._store is None:
                self._store = ObjectStore(self._git, object_format=self.head().object_format, disk=self._limits.disk)
            return self._store

    def head(self) -> Head:
        """Return where HEAD points; asked for once.

        Raises:
            JobError: see UploadPack.head.
        """
        if self._head is None:
            self._head = (
                self._upload_pack.head()
                if self._speaks_version_2
                else read_head(self._git, self._connections.url, self._limits)
            )
        return self._head

    def branches(self) -> tuple[str, ...]:
        """Return the names of some branches, as git sorts them; none of a repository without any.

        Raises:
            JobError: the transfer failed.
        """
        if self._speaks_version_2:
            return self._upload_pack.branches()
        return read_branches(self._git, self._connections.url, self._limits)

    def tags(self) -> Tags:
        """Return all tags; asked for each time.

        Raises:
            TooManyTagsError: there are more than are looked at.
            JobError: the transfer failed.
        """
        if self._speaks_version_2:
            return self._upload_pack.tags()
        return read_tags(self._git, self._connections.url, self._limits)

    def tagged(self, oids: Sequence[str]) -> Mapping[str, bytes | None]:
        """Return the contents of what these tags name, tags' own or commits, and of what the tags stand for; by ids.

        None stands for what is neither, or larger than they are, or cannot be had; absent is what was not answered.
        A server that does not filter, or does not cut a history, would send far more than these: it is not asked.

        Args:
            oids: that the server has told of.

        Raises:
            FetchRefusedError: the server gives nothing, HEAD neither.
            JobError: the transfer failed.
        """
        if not (self._speaks_version_2 and self.filters and self.deepens and oids):
            return {}
        found: dict[str, bytes | None] = {}
        head = self.head().sha

        def fetch(wants: Sequence[str]) -> None:
            try:
                found.update(self._named_objects(FetchRequest(wants, depth=1, filter="tree:0")))
            except (FetchRefusedError, JobError) as error:
                if len(wants) == 1:
                    found[wants[0]] = None
                if isinstance(error, JobError) and error.code in _NO_TAGS and not may_be_for_its_objects(error):
                    raise FetchRefusedError(error.message) from error
                raise
            found.update({oid: found.get(oid) for oid in wants})

        def gives_head(_: Sequence[str]) -> bool:
            if head is not None and head not in found:
                with contextlib.suppress(FetchRefusedError, JobError):
                    fetch([head])
            return head is not None and found.get(head) is not None

        self._despite_gaps(fetch, oids, gives_any=gives_head)
        return found

    def reached_beside_head(self, sha: str) -> Mapping[str, bytes]:
        """Return the contents of the commits that `sha` reaches and HEAD does not, by their ids.

        Raises:
            FetchRefusedError, JobError: as for `tagged`.
        """
        head = self.head().sha
        if head is None or not (self._speaks_version_2 and self.filters):
            return {}
        return self._named_objects(FetchRequest([sha], haves=[head], filter="tree:0"))

    def _named_objects(self, request: FetchRequest) -> Mapping[str, bytes]:
        """Return commits and tags of a request whose answer is small, by their ids."""
        with self._upload_pack.fetch(request) as pack:
            if pack is None:
                return {}
            return dict(commits_and_tags_in(pack, object_format=self.head().object_format, most_bytes=_TAGGED_BYTES))

    def fetch_commits(
        self,
        wants: Sequence[str],
        *,
        since: int | None = None,
        depth: int | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        """Add commits to `known`; `stop` is asked now and then whether it is enough.

        Raises:
            FetchRefusedError: the server has nothing to say to these arguments.
            JobError: the transfer failed or broke a limit.
        """
        if not self._speaks_version_2:
            self._fetch_with_git()
            return
        if not self.deepens:
            since = depth = None
        self._fetch(FetchRequest(wants, since=since, depth=depth), stop)

    def fetch_named_commits(self, shas: Sequence[str]) -> None:
        """Add these commits to `known`, as far as the server gives them; the others are `lost`.

        Raises:
            JobError: the transfer failed or broke a limit.
        """
        try:
            self._despite_gaps(lambda wants: self.fetch_commits(wants, depth=1), shas)
        except FetchRefusedError:
            self.lost.update(sha for sha in shas if sha not in self.known)

    def fetch_commits_after(self, old: str, *, stop: Callable[[], bool]) -> bool:
        """Add the commits that HEAD reaches and `old` does not; return False when the server sees no `old` below HEAD.

        Raises:
            JobError: the transfer failed or broke a limit.
        """
        head = self.head().sha
        if head is None or not self.filters:
            return False
        try:
            return self._fetch(FetchRequest([head], haves=[old], negotiate=True), stop)
        except FetchRefusedError:
            return False
        except JobError as error:
            if not may_be_for_its_objects(error):
                raise
            return False

    def fetch_objects(self, oids: Iterable[str]) -> None:
        """Put trees and blobs into the store that it has not, as far as is known without asking it.

        Raises:
            FetchRefusedError: the server does not give objects by name.
            JobError: the transfer failed or broke a limit.
        """
        if self.filters:
            in_parallel(self.fetch_by_name, self.missing(list(dict.fromkeys(oids))))

    def fetch_missing_objects(self, oids: Iterable[str]) -> None:
        """Put trees and blobs into the store that are not in it, as the store itself says.

        Raises:
            FetchRefusedError: the server does not give objects by name.
            JobError: the transfer failed or broke a limit.
        """
        self.fetch_by_name(self.store.missing([oid for oid in dict.fromkeys(oids) if oid not in self.lost]))

    def fetch_trees_whole(self, trees: Sequence[str], *, most_objects: int, most_bytes: int) -> bool:
        """Put trees with all that is below them into the store, but for large files; return whether all came.

        It does not when it is too much, or the server does not send it to the end.
        A pack of whole trees costs the server far less than single objects: it knows the files by name, and it has the
        differences between them stored already. It is worth it where most of what is below the trees is needed. The
        pack begins with the number of its objects, so that too many are noticed before they come.

        Raises:
            JobError: the transfer failed or broke a limit.
        """
        if not self.filters or not self.gives_objects:
            return True
        try:
            with self._upload_pack.fetch(FetchRequest(trees, filter=_NO_LARGE_FILES)) as pack:
                if pack is not None:
                    self._came_unasked = True
                    self.store.add_pack(_no_more_than(pack, most_objects, most_bytes), threads=2)
        except (_TooMuchError, FetchRefusedError):
            return False
        except JobError as error:
            if not may_be_for_its_objects(error):
                raise
            return False
        return True

    def missing(self, oids: Collection[str]) -> Sequence[str]:
        """Return what did not come yet; the store is asked only where more came than was named."""
        if self._came_unasked:
            return self.store.missing(list(oids))
        return [oid for oid in oids if oid not in self._asked]

    def fetch_by_name(self, oids: Sequence[str]) -> None:
        """Put trees and blobs into the store, but for those that are `lost`; threads may do so at the same time.

        Raises:
            FetchRefusedError: the server does not give objects by name.
            JobError: the transfer failed or broke a limit.
        """
        if not self.gives_objects:
            return
        with self._lock:
            if len(oids) > self._objects_left:  # nothing is spent: other commits may need less
                kind = JobError if len(oids) > self._limits.objects else TooLittleLeftError
                text = "The changes of one year need more objects than allowed."
                raise kind(ErrorCode.REPOSITORY_TOO_LARGE, text)
            self._objects_left -= len(oids)
            self._asked.update(oids)
        for start in range(0, len(oids), _WANTS_AT_ONCE):
            self._despite_gaps(self._fetch_objects, oids[start : start + _WANTS_AT_ONCE])

    def fetch_whole_commits(
        self, wants: Sequence[str], *, since: int | None = None, depth: int | None = None, filter_: str | None = None
    ) -> None:
        """Put commits with all their trees and blobs into the store.

        Raises:
            FetchRefusedError: the server has nothing to say to these arguments.
            JobError: the transfer failed or broke a limit.
        """
        if not self._speaks_version_2:
            self._fetch_with_git()
            return
        if not self.deepens:
            since = depth = None
        self._fetch_into_store(FetchRequest(wants, since=since, depth=depth, filter=filter_ if self.filters else None))

    def content(self, shas: Sequence[str]) -> dict[str, RawCommit]:
        """Return known commits with their contents."""
        found = {sha: self.known[sha] for sha in shas}
        emptied = [sha for sha, raw in found.items() if not raw.content]
        if emptied:
            for stored in self.store.read(emptied, largest=OBJECT_BYTES):
                found[stored.oid] = replace(found[stored.oid], content=stored.content or b"")
        return found

    @property
    def _speaks_version_2(self) -> bool:
        return self._upload_pack.capabilities.version >= 2  # noqa: PLR2004 - the protocol's version

    def _fetch(self, request: FetchRequest, stop: Callable[[], bool] | None) -> bool:
        if self.filters:
            try:
                with self._upload_pack.fetch(replace(request, filter="tree:0")) as pack:
                    if pack is None:
                        return False
                    self._read_commits(pack, stop)
            except UnfilteredPackError:
                self._ignores_filter = True
                if request.negotiate:
                    return False
            else:
                return True
        self._fetch_into_store(request)
        self._read_commits_of_store()
        return True

    def _fetch_objects(self, oids: Sequence[str]) -> None:
        with self._upload_pack.fetch(FetchRequest(oids, filter="tree:0" if self.filters else None)) as pack:
            if pack is not None:
                self.store.add_pack(pack)
        self._came_by_name = True

    def _despite_gaps(
        self,
        fetch: Callable[[Sequence[str]], None],
        oids: Sequence[str],
        *,
        gives_any: Callable[[Sequence[str]], bool] | None = None,
    ) -> None:
        """Fetch; where the server refuses or breaks off, halve until only what it cannot give is left out.

        Args:
            fetch: is called with some of them.
            oids: of objects.
            gives_any: whether the server, which refused these, gives any object; of those that commits name by default.

        Raises:
            FetchRefusedError: the server does not seem to give anything by name.
            JobError: the transfer failed for another reason than single objects, or nothing came at all.
        """
        work = [[oid for oid in oids if oid not in self.lost]]
        failure: JobError | None = None
        while work:
            wants = work.pop()
            try:
                if wants:
                    fetch(wants)
            except FetchRefusedError:
                if not (gives_any or self._gives_any_but)(wants):
                    raise
                work += self._halves(wants)
            except JobError as error:
                if not may_be_for_its_objects(error):
                    raise
                failure = error
                work += self._halves(wants)
        if failure is not None:
            self._raise_if_down(failure)

    def _halves(self, wants: list[str]) -> list[list[str]]:
        """Return the halves of what was refused; nothing if it is a single object, which is lost, or trying is over."""
        with self._lock:
            self._halvings_left -= 1
            if len(wants) == 1 or self._halvings_left < 0:
                self.lost.update(wants)
                return []
        return [wants[len(wants) // 2 :], wants[: len(wants) // 2]]

    def _raise_if_down(self, failure: JobError) -> None:
        """Raise `failure` if HEAD cannot be had either: then it is the host's trouble, and passes."""
        head = self.head().sha
        try:
            with self._upload_pack.fetch(FetchRequest([head or ""], depth=1 if self.deepens else None)):
                pass
        except (FetchRefusedError, JobError):
            raise failure from None

    def _gives_any_but(self, refused: Sequence[str]) -> bool:
        """Whether the server gives objects by name: asked with some that it should have, beside all of `refused`.

        One refused object tells nothing: it may be lost, or the server refuses whatever is named. A tree that the
        commits name tells these apart.
        """
        if self._came_by_name:
            return True
        trees = (raw.tree for raw in self.known.copy().values() if raw.tree is not None and raw.tree not in refused)
        some = [refused[0], refused[-1]] if len(refused) > 1 else list(islice(trees, 1))
        for oid in some:
            with contextlib.suppress(FetchRefusedError, JobError):
                self._fetch_objects([oid])
                return True
        return False

    def _read_commits(self, pack: ByteReader, stop: Callable[[], bool] | None) -> None:
        look_at = FIRST_LOOK
        arriving = commits_in(pack, object_format=self.head().object_format, commit_bytes=self._commit_bytes_left)
        for number, (sha, content) in enumerate(arriving, 1):
            self._commit_bytes_left -= len(content) + OBJECT_COST
            self.known[sha] = read_commit(sha, content)
            if stop is not None and number >= look_at:
                if stop():
                    return
                look_at = number + max(FIRST_LOOK, number // LOOKS_PART)
        while pack.read_some(_READ_SIZE):  # the checksum; an answer read to its end leaves the connection usable
            pass

    def _fetch_into_store(self, request: FetchRequest) -> None:
        with self._upload_pack.fetch(request) as pack:
            if pack is not None:
                self._came_unasked = True
                self.store.add_pack(pack)

    def _read_commits_of_store(self) -> None:
        """Note all commits of the store; their contents stay there, for there may be very many."""
        new = [sha for sha in self.store.commits() if sha not in self.known]
        for found in self.store.read(new, largest=OBJECT_BYTES):
            self.known[found.oid] = replace(read_commit(found.oid, found.content or b""), content=b"")

    def _fetch_with_git(self) -> None:
        _ = self.store  # git fetches into it
        self._came_unasked = True
        fetch_all(self._git, self._connections.url, self._limits)
        self._read_commits_of_store()


def may_be_for_its_objects(error: JobError) -> bool:
    """Whether a request may have failed for what it asked for: for an object, or for too many of them."""
    return isinstance(error, BrokenOffError) or error.code is ErrorCode.HOST_ERROR


def _no_more_than(pack: ByteReader, most_objects: int, most_bytes: int) -> ByteReader:
    """Read `pack` as long as it is worth it."""
    header = pack.read(_PACK_HEADER)
    if int.from_bytes(header[8:], "big") > most_objects:
        raise _TooMuchError
    pending = [header]

    def next_chunk() -> bytes:
        if pack.offset > most_bytes:
            raise _TooMuchError
        return pending.pop() if pending else pack.read_some(_READ_SIZE)

    return ByteReader(next_chunk)
