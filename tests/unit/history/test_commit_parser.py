"""Commit objects, honest and hostile."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.history.commit_parser import MESSAGE_CHARACTERS, NAME_CHARACTERS, parse_commit, read_commit
from watchlist.history.commits import Commit

TREE = b"tree " + b"1" * 40 + b"\n"
PARENT = b"parent " + b"2" * 40 + b"\n"
WHO = b"A U Thor <a@b.c> 1700000000 +0100"


def made(
    author: bytes = WHO,
    committer: bytes = WHO,
    headers: bytes = b"",
    message: bytes = b"Subject\n",
    parents: bytes = b"",
) -> bytes:
    return TREE + parents + b"author " + author + b"\ncommitter " + committer + b"\n" + headers + b"\n" + message


def parsed(content: bytes) -> Commit:
    return parse_commit(read_commit("f" * 40, content))


def test_an_honest_commit_is_read_whole() -> None:
    commit = parsed(made(parents=PARENT, message=b"Subject\ngoes on\n\nBody\n"))
    assert commit.parents == ("2" * 40,)
    assert commit.author.name == "A U Thor"
    assert commit.author.email == "a@b.c"
    assert commit.author.time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert commit.subject == "Subject goes on"
    assert commit.message == "Subject\ngoes on\n\nBody\n"
    assert not commit.signed
    assert commit.files is None


@pytest.mark.parametrize("header", [b"gpgsig", b"gpgsig-sha256"])
def test_a_signature_is_seen(header: bytes) -> None:
    assert parsed(made(headers=header + b" -----BEGIN\n more\n \n -----END\n")).signed


def test_a_signature_in_the_message_is_none() -> None:
    assert not parsed(made(message=b"gpgsig -----BEGIN\n")).signed


def test_a_sha256_commit_is_read() -> None:
    raw = read_commit("f" * 64, b"tree " + b"1" * 64 + b"\nparent " + b"2" * 64 + b"\n")
    assert (raw.tree, raw.parents) == ("1" * 64, ("2" * 64,))


@pytest.mark.parametrize(
    ("encoding", "message", "text"),
    [
        (b"", "grüße".encode(), "grüße"),
        (b"", b"\xff\xe9", "\ufffd\ufffd"),
        (b"encoding ISO-8859-1\n", b"gr\xfc\xdfe", "grüße"),
        (b"encoding windows-1251\n", "привет".encode("cp1251"), "привет"),
        (b"encoding no-such\n", "grüße".encode(), "grüße"),
        (b"encoding zlib\n", b"plain", "plain"),
        (b"encoding unicode_escape\n", b"\\x41", "\\x41"),
        (b"encoding \xff\n", b"plain", "plain"),
        (b"encoding utf-7\n", b"+2AA-", "+2AA-"),
        (b"encoding idna\n", b"xn--4ca", "xn--4ca"),
        (b"encoding UTF-16\n", b"gr", "gr"),
        (b"encoding UTF8MB4\n", "größe".encode(), "größe"),
        (b"encoding ISO_8859-1\n", b"Jos\xe9", "José"),
        (b"encoding 8859_1\n", b"Jos\xe9", "José"),
        (b"encoding L1\n", b"Jos\xe9", "José"),
        (b"encoding CP1252\n", b"Jos\xe9", "José"),
        (b"encoding WINDOWS-1252\n", b"Jos\xe9", "José"),
        (b"encoding MS-ANSI\n", b"Jos\xe9", "José"),
        (b"encoding IBM850\n", b"Jos\xe9", "JosÚ"),
        (b"encoding CP850\n", b"Jos\xe9", "JosÚ"),
        (b"encoding KOI8R\n", b"Jos\xe9", "JosИ"),
        (b"encoding MacRoman\n", b"Jos\x8e", "José"),
        (b"encoding windows-31j\n", "日本".encode("cp932"), "日本"),
        (b"encoding US-ASCII\n", "größe".encode(), "größe"),
        (b"encoding EUC-JP\n", b"\xff plain", "\ufffd plain"),
    ],
)
def test_text_is_decoded_as_declared_if_that_is_a_text_encoding(encoding: bytes, message: bytes, text: str) -> None:
    assert parsed(made(headers=encoding, message=message)).message == text


@pytest.mark.parametrize(
    ("date", "committed", "time"),
    [
        (b"1700000000 +0100", 1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (b"1700000000 -13068837", 1_700_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (b"99999999999999999999 +0000", 2**64 - 1, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"-1 +0000", 2**64 - 1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"-99999999999999999999 +0000", 1, datetime(1, 1, 1, tzinfo=UTC)),
        (b"never", 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (b"", 0, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_any_date_becomes_a_time(date: bytes, committed: int, time: datetime) -> None:
    content = made(committer=b"A <a> " + date)
    assert read_commit("f" * 40, content).committed == committed
    assert parsed(content).committer.time == time


@pytest.mark.parametrize(
    ("line", "name", "email"),
    [
        (b" <> 0 +0000", "", ""),
        (b"<a> 0 +0000", "", "a"),
        (b"no email 0 +0000", "", ""),
        (b"A a@x.org> 1700000000 +0000", "", ""),
        (b"A <a@x.org 1700000000 +0000", "", ""),
        (b"a <b <c> d> 0 +0000", "a", "b <c"),
        (b"", "", ""),
    ],
)
def test_odd_identities_are_read_as_git_reads_them(line: bytes, name: str, email: str) -> None:
    author = parsed(made(author=line)).author
    assert (author.name, author.email) == (name, email)


def test_long_texts_are_cut() -> None:
    commit = parsed(made(author=b"n" * 10_000 + b" <e> 0 +0000", message=b"m" * 100_000))
    assert len(commit.author.name) == NAME_CHARACTERS
    assert len(commit.message) == MESSAGE_CHARACTERS


def test_a_message_ends_at_nul_as_git_ends_it() -> None:
    assert parsed(made(message=b"seen\0unseen")).message == "seen"


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (b"one\r\ntwo\r\n\r\nbody", "one two"),
        (b"\n \t\n  led in\n\tgoes on  \n\n", "  led in \tgoes on"),
        (b"one\x0b\x0ctwo\x1cthree\xc2\x85four\xe2\x80\xa8five", "one\x0b\x0ctwo\x1cthree\x85four\u2028five"),
        (b"one\rtwo", "one\rtwo"),
        (b"one\x0c\ntwo", "one\x0c two"),
        (b"\xc2\xa0\nnot blank to git", "\xa0 not blank to git"),
        (b"", ""),
    ],
)
def test_the_subject_is_what_git_prints(message: bytes, subject: str) -> None:
    assert parsed(made(message=message)).subject == subject


def test_of_two_authors_the_first_counts_and_the_committer_is_still_read() -> None:
    content = made(author=b"First <f@x> 1700000000 +0000\nauthor Second <s@x> 1 +0500")
    commit = parsed(content)
    assert (commit.author.name, commit.committer.name) == ("First", "A U Thor")
    assert read_commit("f" * 40, content).committed == 1_700_000_000


def test_a_committer_in_a_signature_or_in_the_message_is_none() -> None:
    content = TREE + b"author A <a> 5 +0000\ngpgsig x\n committer C <c> 6 +0000\n\ncommitter D <d> 7 +0000\n"
    assert read_commit("f" * 40, content).committed == 0


def test_a_name_ends_at_nul_as_git_ends_it() -> None:
    assert parsed(made(author=b"seen\0unseen <a@b> 1700000000 +0000")).author.name == "seen"


def test_a_damaged_header_is_told() -> None:
    assert read_commit("f" * 40, b"parent x\n").tree is None


HOSTILE = st.one_of(
    st.binary(max_size=200),
    st.builds(
        made,
        author=st.binary(max_size=60),
        committer=st.binary(max_size=60),
        headers=st.binary(max_size=60),
        message=st.binary(max_size=100),
    ),
    st.builds(
        lambda encoding, message: made(headers=b"encoding " + encoding + b"\n", message=message),
        st.sampled_from([b"utf-16", b"utf-32", b"iso-2022-jp", b"gb18030", b"cp037", b"hz", b"latin9", b"mac-roman"]),
        st.binary(max_size=100),
    ),
)


@given(HOSTILE)
def test_no_commit_can_fail_the_reading(content: bytes) -> None:
    commit = parsed(content)
    for text in (commit.author.name, commit.author.email, commit.subject, commit.message):
        text.encode()
    assert commit.author.time.tzinfo is UTC
