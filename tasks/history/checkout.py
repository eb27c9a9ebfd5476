"""HEAD's files on disk, for scanners that read files: written by us, so that no hook, filter or attribute ever runs."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tasks.history.limits import FetchLimits
from tasks.history.store import ObjectStore, TreeEntry
from watchlist.errors import ErrorCode, JobError

_EXECUTABLE = 0o100755
_SYMLINK = 0o120000
_LONGEST_LINK = 4096
_LONGEST_NAME = 255
_DEEPEST = 128
"""Directories nest no deeper than this in a checkout: what removes or scans it goes down by recursion."""
_BATCH = 2000
_UNWRITABLE = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ}
"""Two names that this file system holds for one, or a name that it does not take."""


def write_tree(store: ObjectStore, tree: str, target: Path, limits: FetchLimits) -> None:
    """Write the files below `tree` into the new directory `target`.

    Left out are submodules; files larger than the limit, or below more than 128 directories; names that no honest file
    has (`..`, `.git` in any case); symbolic links that lead out of `target`, or could do so by way of another link.

    Raises:
        JobError: OUT_OF_DISK when there are more files or bytes than allowed.
    """
    target.mkdir()
    links: list[tuple[PurePosixPath, str]] = []
    files: list[tuple[PurePosixPath, TreeEntry]] = []
    bytes_left = limits.disk
    for path, entry in _safe_entries(store, tree, limits):
        if entry.mode == _SYMLINK:
            links.append((path, entry.oid))
        else:
            files.append((path, entry))
    for start in range(0, len(files), _BATCH):
        bytes_left -= _write_files(store, files[start : start + _BATCH], target, limits, bytes_left)
    # Links come last: no file is ever written through one.
    _write_links(store, links, target)


def is_safe_path(path: str) -> bool:
    """Return whether a path of a tree may become a path on this disk."""
    return bool(path) and all(_is_safe_name(name) for name in path.split("/"))


def stays_inside(link: PurePosixPath, destination: str) -> bool:
    """Return whether a symbolic link leads to a place inside the tree, whatever other such links it passes.

    Steps upwards are allowed only in front, where the folders are known to be real; behind the first step down another
    link may lie, from which `..` would lead elsewhere.
    """
    if not destination or destination.startswith("/") or "\0" in destination:
        return False
    steps = [step for step in destination.split("/") if step not in {"", "."}]
    upwards = 0
    while upwards < len(steps) and steps[upwards] == "..":
        upwards += 1
    return upwards <= len(link.parts) - 1 and all(_is_safe_name(step) for step in steps[upwards:])


def _is_safe_name(name: str) -> bool:
    plain = name.rstrip(". ").lower()
    return (
        bool(plain)
        and plain not in {".git", "git~1"}
        and len(os.fsencode(name)) <= _LONGEST_NAME
        and not any(character in name for character in "\0/\\:")
    )


def _safe_entries(store: ObjectStore, tree: str, limits: FetchLimits) -> Iterator[tuple[PurePosixPath, TreeEntry]]:
    for number, (path, entry) in enumerate(store.entries(tree)):
        if number >= limits.checkout_files:
            raise JobError(ErrorCode.OUT_OF_DISK, f"The repository has more than {limits.checkout_files} files.")
        if entry.is_blob and path.count("/") <= _DEEPEST and is_safe_path(path):
            yield PurePosixPath(path), entry


def _write_files(
    store: ObjectStore,
    files: list[tuple[PurePosixPath, TreeEntry]],
    target: Path,
    limits: FetchLimits,
    bytes_left: int,
) -> int:
    paths: dict[str, list[tuple[PurePosixPath, TreeEntry]]] = {}
    for path, entry in files:
        paths.setdefault(entry.oid, []).append((path, entry))
    written = 0
    for found in store.read(list(paths), largest=limits.checkout_file_size):
        if found.content is None or found.kind != "blob":
            continue
        for path, entry in paths[found.oid]:
            written += found.size
            if written > bytes_left:
                raise JobError(ErrorCode.OUT_OF_DISK, "The repository's files do not fit the disk they may use.")
            _write_file(target / path, found.content, executable=entry.mode == _EXECUTABLE)
    return written


def _write_file(path: Path, content: bytes, *, executable: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755 if executable else 0o644)
    except OSError as error:
        if error.errno in _UNWRITABLE:
            return
        raise JobError(ErrorCode.OUT_OF_DISK, "The repository's files cannot be written.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _write_links(store: ObjectStore, links: list[tuple[PurePosixPath, str]], target: Path) -> None:
    contents = {
        found.oid: found.content
        for found in store.read(list(dict.fromkeys(oid for _, oid in links)), largest=_LONGEST_LINK)
    }
    root = target.resolve()
    for path, oid in links:
        content = contents.get(oid)
        if content is None or not stays_inside(path, destination := os.fsdecode(content)):
            continue
        place = root / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.parent.resolve() == place.parent:  # a hostile tree can hold a link and a folder of one name
                place.symlink_to(destination)
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise JobError(ErrorCode.OUT_OF_DISK, "The repository's links cannot be written.") from error
