"""Addresses as somebody makes them who means harm, and what may be left of one."""

import string

from hypothesis import strategies as st

SAFE = set(string.ascii_letters + string.digits + "_.-")
"""The characters that names are made of."""

PIECES = [
    *("https", "http", "://", ":", "/", "//", "@", "github.com", "gitlab.com", "127.0.0.1", "[", "]", "a", "-", ".."),
    *(".git", "%2f", "\\", "?", "#", "443", "\x00", "\n", " ", "é", "。", "user", "--x"),
]

hostile = st.one_of(
    st.text(max_size=400),
    st.binary(max_size=100).map(lambda raw: raw.decode(errors="surrogateescape")),
    st.lists(
        st.sampled_from(PIECES),
        max_size=14,
    ).map("".join),
    st.from_regex(r"https://(github|gitlab)\.com/[ -~]{0,60}", fullmatch=True),
)
