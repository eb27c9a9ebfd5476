import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchlist.history.mailmap import MAX_BYTES, Mailmap

MAILMAP = b"""
# people
Proper Name <commit@example.org>
<proper@example.org> <commit2@example.org>
Both Proper <both@example.org> <commit3@example.org>
Jane <jane@example.org> Jane D. <shared@example.org>
Joe <joe@example.org> joe <shared@example.org>   # the machine they share
"""


@pytest.mark.parametrize(
    ("committed", "proper"),
    [
        (("p", "commit@example.org"), ("Proper Name", "commit@example.org")),
        (("p", "COMMIT@Example.ORG"), ("Proper Name", "COMMIT@Example.ORG")),
        (("p", "commit2@example.org"), ("p", "proper@example.org")),
        (("p", "commit3@example.org"), ("Both Proper", "both@example.org")),
        (("JANE D.", "shared@example.org"), ("Jane", "jane@example.org")),
        (("joe", "Shared@example.org"), ("Joe", "joe@example.org")),
        (("somebody", "shared@example.org"), ("somebody", "shared@example.org")),
        (("somebody", "else@example.org"), ("somebody", "else@example.org")),
        (("", ""), ("", "")),
    ],
)
def test_an_identity_is_resolved(committed: tuple[str, str], proper: tuple[str, str]) -> None:
    assert Mailmap(MAILMAP).resolve(*committed) == proper


def test_lines_on_one_email_add_up() -> None:
    both = Mailmap(b"<new@example.org> <old@example.org>\nName <old@example.org>\n")
    assert both.resolve("x", "old@example.org") == ("Name", "new@example.org")
    swapped = Mailmap(b"Name <old@example.org>\n<new@example.org> <old@example.org>\n")
    assert swapped.resolve("x", "old@example.org") == ("Name", "new@example.org")


def test_case_is_folded_in_ascii_only_as_git_does() -> None:
    assert Mailmap("Name <Ä@example.org>".encode()).resolve("x", "ä@EXAMPLE.org") == ("x", "ä@EXAMPLE.org")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"#",
        b"# New <a@b>",
        b"New <a@b",
        b"Name",
        b"Name <",
        b"Name <>",
        b"<>",
        b"> <",
        b"Name >a@b<",
        b"\xff<\xfe",
        b"\x00" * 9,
    ],
)
def test_a_line_that_git_cannot_read_counts_for_nothing(line: bytes) -> None:
    assert Mailmap(line).resolve("Name", "a@b") == ("Name", "a@b")


def test_spaces_are_those_of_c_as_git_has_them() -> None:
    assert Mailmap("Name\u00a0 <a@b>".encode()).resolve("x", "a@b") == ("Name\u00a0", "a@b")


def test_undecodable_bytes_match_the_replaced_ones_of_a_commit() -> None:
    committed = b"J\xf6rg".decode(errors="replace")
    mailmap = Mailmap(b"Joerg <j@example.org> J\xf6rg <old@example.org>")
    assert mailmap.resolve(committed, "old@example.org") == ("Joerg", "j@example.org")


def test_what_lies_beyond_the_limit_is_not_read() -> None:
    mailmap = Mailmap(b"#" * MAX_BYTES + b"\nName <a@b>\n")
    assert mailmap.resolve("x", "a@b") == ("x", "a@b")


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_any_bytes_are_a_mailmap(content: bytes, name: str, email: str) -> None:
    Mailmap(content).resolve(name, email)


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_empty_mailmap_changes_nothing(name: str, email: str) -> None:
    assert Mailmap().resolve(name, email) == (name, email)
