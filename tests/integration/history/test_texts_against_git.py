"""Names, subjects and dates read here and printed by `git log` are the same, whatever bytes a commit holds."""

import random
from pathlib import Path

from tasks.history.commit_parser import parse_commit, read_commit
from tests.repositories import git
from watchlist.history.commits import Commit

PIECES = [
    *[b"a", b"B c", b" ", b"\t", b"\n", b"\n", b"\r\n", b"\x0b", b"\x0c", b"\x1c", b"\xe2\x80\xa8", b"\xc2\x85"],
    *[b"\xe9", b"\xc3\xbc", b"\\", b"\0", b"-"],
]
PEOPLE = [b"A <a@b>", b"Sp ace <x@y> ", b"<>", b"N\xe9 <n@\xe9>", b"x <y <z> w>", b"A B<c@d>", b"\xc3\x9c <u@v>"]
ENCODINGS = [b"", b"", b"encoding ISO-8859-1\n", b"encoding L1\n", b"encoding no-such\n"]
DATES = [b"1700000000 +0000", b"1700000001 -0730", b"0 +0000", b"2147483648 +051800"]


def commits_of_chance(repository: Path, number: int) -> dict[str, bytes]:
    """Store commits whose header and message are put together from what has confused programs; by their ids."""
    chance = random.Random(5)  # noqa: S311 - reproducible commits, no secret
    tree = git(repository, "mktree").strip()
    commits = {}
    for _ in range(number):
        author, committer = (b"%b %b" % (chance.choice(PEOPLE), chance.choice(DATES)) for _ in range(2))
        message = b"".join(chance.choices(PIECES, k=chance.randrange(14)))
        header = b"tree %b\nauthor %b\ncommitter %b\n%b" % (tree, author, committer, chance.choice(ENCODINGS))
        content = header + b"\n" + message
        sha = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=content)
        commits[sha.decode().strip()] = content
    return commits


def as_printed(commit: Commit) -> list[str]:
    times = f"{commit.author.time.timestamp():.0f} {commit.committer.time.timestamp():.0f}"
    return [commit.author.name, commit.author.email, commit.subject, times]


def test_every_text_and_date_is_the_one_that_git_prints(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", ".")
    commits = commits_of_chance(tmp_path, 120)
    form = "--format=%an%x01%ae%x01%s%x01%at %ct%x02"
    said = git(tmp_path, "log", "--no-walk=unsorted", "--encoding=UTF-8", form, *commits)
    printed = [record.lstrip("\n").split("\x01") for record in said.decode(errors="replace").split("\x02")[:-1]]
    assert [as_printed(parse_commit(read_commit(sha, content))) for sha, content in commits.items()] == printed
