import io

import pytest

from local_service.chunked_body import ChunkedBody, FramingError

NEXT = b"GET /next HTTP/1.1\r\n"


def read(framed: bytes) -> tuple[bytes, bytes]:
    """Return the body, and what is left of the connection after it."""
    connection = io.BytesIO(framed)
    body = ChunkedBody(connection).readall()
    return body, connection.read()


@pytest.mark.parametrize(
    ("framed", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\none\r\n0\r\n\r\n", b"one"),
        (b"3\r\none\r\n4\r\n\r\n0\r\r\n0\r\n\r\n", b"one\r\n0\r"),
        (b"00A\r\n" + b"x" * 10 + b"\r\n00\r\n\r\n", b"x" * 10),
        (b"a\r\n" + b"x" * 10 + b"\r\n0\r\n\r\n", b"x" * 10),
        (b'3;name=value ; other="a b"\r\none\r\n0;last\r\n\r\n', b"one"),
        (b"3 ;name\r\none\r\n0 \r\n\r\n", b"one"),
        (b"3\r\none\r\n0\r\nChecksum: 1\r\nOther: 2\r\n\r\n", b"one"),
        (b"10000\r\n" + b"x" * 65536 + b"\r\n0\r\n\r\n", b"x" * 65536),
        (b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n", b"x" * 10_000),
    ],
)
def test_the_body_ends_with_its_last_chunk_and_trailers(framed: bytes, body: bytes) -> None:
    assert read(framed + NEXT) == (body, NEXT)


@pytest.mark.parametrize("size", [b"0x3", b"0_3", b"+3", b"-3", b" 3", b"", b";x", b"3x", b"3 3", b"3,3", b"3" * 17])
def test_what_only_python_takes_for_a_size_is_none(size: bytes) -> None:
    with pytest.raises(FramingError, match=r"no size"):
        read(size + b"\r\none\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "framed",
    [
        b"",
        b"3\r\n",
        b"3\r\non",
        b"3\r\none",
        b"3\r\none\r\n",
        b"3\r\none\r\n0\r\n",
        b"3\r\none\r\n0\r\nChecksum: 1",
        b"3\none\n0\n\n",
        b"3\r\nones\r\n0\r\n\r\n",
        b"3;a\rb\r\none\r\n0\r\n\r\n",
        b"0\r\nChecksum: 1\n\n",
    ],
)
def test_a_body_that_breaks_off_or_is_framed_in_another_way_is_none(framed: bytes) -> None:
    with pytest.raises(FramingError, match=r"chunk|trailers"):
        read(framed)


@pytest.mark.parametrize(
    "framed",
    [
        b"1;" + b"x" * 100_000 + b"\r\nx\r\n0\r\n\r\n",
        (b"1;" + b"x" * 1000 + b"\r\nx\r\n") * 100 + b"0\r\n\r\n",
        b"0\r\nChecksum: " + b"x" * 100_000 + b"\r\n\r\n",
        b"0\r\n" + b"X: 1\r\n" * 20_000 + b"\r\n",
    ],
)
def test_what_nobody_reads_beside_a_body_is_bounded(framed: bytes) -> None:
    with pytest.raises(FramingError, match=r"no size|too long"):
        read(framed)


def test_a_body_can_be_read_in_parts() -> None:
    body = ChunkedBody(io.BytesIO(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"))
    assert (body.read(0), body.read(2), body.read(2), body.read(9), body.read(9)) == (b"", b"on", b"e", b"two", b"")
    assert body.readable()
