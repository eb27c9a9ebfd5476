"""git itself as the client, for servers that do not speak version 2 of its protocol."""

import re

from tasks.history.git_process import Git
from tasks.history.limits import FetchLimits
from tasks.history.protocol import Head
from watchlist.errors import ErrorCode, JobError
from watchlist.git.protocol import branch_of, some_branches
from watchlist.git.tags import Tags, tags_of

_HEAD = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\tHEAD")
_SHA256_LENGTH = 64
_COLUMNS = 2


def read_head(git: Git, url: str, limits: FetchLimits) -> Head:
    """Ask where HEAD points.

    Raises:
        JobError: git cannot talk with the host.
    """
    argv = ["ls-remote", "--symref", "--", url, "HEAD"]
    with git.start(argv, settings=_network(limits), url=url) as child:
        said = child.stdout.read().decode(errors="replace")
    sha = branch = None
    for line in said.splitlines():
        if match := _HEAD.fullmatch(line):
            sha = match[1]
        elif line.startswith("ref: ") and line.endswith("\tHEAD"):
            branch = branch_of(line.removeprefix("ref: ").removesuffix("\tHEAD"))
    return Head(sha, branch, "sha256" if sha and len(sha) == _SHA256_LENGTH else "sha1")


def read_branches(git: Git, url: str, limits: FetchLimits) -> tuple[str, ...]:
    """Ask which branches there are, and return some.

    Raises:
        JobError: git cannot talk with the host.
    """
    argv = ["ls-remote", "--heads", "--", url]
    with git.start(argv, settings=_network(limits), url=url) as child:
        said = child.stdout.read().decode(errors="replace")
    return some_branches(line.partition("\t")[2] for line in said.splitlines())


def read_tags(git: Git, url: str, limits: FetchLimits) -> Tags:
    """Ask for all tags.

    Raises:
        TooManyTagsError: there are more than are looked at.
        JobError: git cannot talk with the host.
    """
    argv = ["ls-remote", "--tags", "--", url]
    with git.start(argv, settings=_network(limits), url=url) as child:
        listed = (line.rstrip(b"\n").split(b"\t") for line in child.stdout)
        oids = {ref: oid for oid, ref in (row for row in listed if len(row) == _COLUMNS)}
    peeled = {ref: oids.get(ref + b"^{}") for ref in oids if not ref.endswith(b"^{}")}
    return tags_of(
        b"%b %b%b" % (oids[ref], ref, b" peeled:" + target if target else b"") for ref, target in peeled.items()
    )


def fetch_all(git: Git, url: str, limits: FetchLimits) -> None:
    """Fetch everything that HEAD reaches into the store in git's directory.

    Raises:
        JobError: the transfer failed or broke a limit.
    """
    argv = [
        "--git-dir=.",
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--update-shallow",
    ]
    try:
        with git.start([*argv, "--", url, "HEAD"], settings=_network(limits), url=url) as child:
            child.stdin.close()
            child.stdout.read()
    except JobError as error:
        if error.code is ErrorCode.OUT_OF_DISK:
            raise JobError(ErrorCode.REPOSITORY_TOO_LARGE, "The whole history does not fit the limits.") from error
        raise


def _network(limits: FetchLimits) -> dict[str, str]:
    return {
        "protocol.allow": "always",
        "http.followRedirects": "false",
        "http.lowSpeedLimit": str(limits.stall_bytes),
        "http.lowSpeedTime": str(max(1, int(limits.stall_seconds))),
        "fetch.unpackLimit": "1",
    }
