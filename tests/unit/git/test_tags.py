from io import BytesIO

import pytest
from dulwich.protocol import pkt_line

from watchlist import limits
from watchlist.errors import JobError
from watchlist.git.tag import Tag
from watchlist.git.tags import TooManyTagsError, read_tags, tags_of

A, B, C = (letter * 40 for letter in "abc")
HEAD = f"{A} HEAD symref-target:refs/heads/main"


def answer(*lines: str | bytes, end: bytes = b"0000") -> BytesIO:
    return BytesIO(
        b"".join(pkt_line((line.encode() if isinstance(line, str) else line) + b"\n") for line in lines) + end
    )


def test_a_tag_is_read_with_what_it_stands_for() -> None:
    tags = read_tags(answer(f"{A} refs/tags/v1", f"{B} refs/tags/v2 peeled:{C}").read)
    assert tags.tags == (Tag("v1", A, A), Tag("v2", B, C))
    assert [tag.is_annotated for tag in tags.tags] == [False, True]


def test_attributes_that_are_not_known_say_nothing() -> None:
    tags = read_tags(answer(f"{A} refs/tags/v1 symref-target:refs/tags/v2 peeled:{C} new-one:x").read)
    assert tags.tags == (Tag("v1", A, C),)


def test_other_refs_are_passed_over() -> None:
    assert [tag.name for tag in read_tags(answer(HEAD, f"{B} refs/tags/v1", f"{C} refs/heads/v2").read).tags] == ["v1"]
    assert read_tags(answer().read).tags == ()


def test_the_digest_does_not_depend_on_the_order_and_changes_with_each_tag() -> None:
    lines = [f"{A} refs/tags/v1".encode(), f"{B} refs/tags/v2 peeled:{C}".encode()]
    digests = {
        tags_of(each).digest
        for each in (
            lines,
            lines[:1],
            [lines[0].replace(b"v1", b"v3"), lines[1]],
            [lines[0].replace(b"a", b"b", 1), lines[1]],
            [lines[0], lines[1].replace(C.encode(), A.encode())],
        )
    }
    assert len(digests) == 5
    assert tags_of(lines).digest == tags_of(reversed(lines)).digest


@pytest.mark.parametrize(
    "name",
    [
        b"a\x1bb",
        b"a..b",
        b"x" * (limits.TAG_BYTES + 1),
        b"x" * 60_000,
        b"a.lock",
        b"",
        b".",
        b"a\x00b",
        b"a\xc2\x80~",
    ],
)
def test_names_that_git_does_not_take_or_that_are_too_long_are_left_out(name: bytes) -> None:
    tags = read_tags(answer(A.encode() + b" refs/tags/" + name, f"{B} refs/tags/v1").read)
    assert [tag.name for tag in tags.tags] == ["v1"]


def test_bytes_that_are_no_text_keep_names_apart() -> None:
    tags = read_tags(answer(A.encode() + b" refs/tags/\xff", A.encode() + b" refs/tags/\xfe").read)
    assert [tag.name for tag in tags.tags] == ["\\xff", "\\xfe"]


@pytest.mark.parametrize(
    "line",
    [
        *("", "x", f"{A}", f"{A} refs/heads/main", f"{A[:39]} refs/tags/v1", "unborn HEAD", f"{A} refs/tags/"),
        *(
            f"{A} refs/tags/v1 {rest}"
            for rest in (".0", "", "beta", f"peeled:{B[1:]}", f"peeled:{B}a", "peeled:", "a:b  c:d")
        ),
        *(f"{A} refs/tags/v1 peeled:{B} rest", f"{A} refs/tags/v1\0peeled:{B}", f" {A} refs/tags/v1"),
    ],
)
def test_what_is_no_tag_is_passed_over(line: str) -> None:
    assert read_tags(answer(line).read).tags == ()


def test_a_list_that_breaks_off_is_not_taken_for_whole() -> None:
    whole = answer(f"{A} refs/tags/v1", f"{B} refs/tags/v2").getvalue()
    for length in range(len(whole)):
        with pytest.raises(JobError, match=r"broke off|not git's"):
            read_tags(BytesIO(whole[:length]).read)


def test_there_is_an_end_to_what_is_read() -> None:
    lines = (f"{number:040x} refs/tags/v{number}".encode() for number in range(10**9))
    with pytest.raises(TooManyTagsError):
        tags_of(lines)
