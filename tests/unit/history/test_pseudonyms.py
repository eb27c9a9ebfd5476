from datetime import UTC, datetime

import pytest

from watchlist.history.commits import Commit, Signature
from watchlist.history.people import People
from watchlist.history.pseudonyms import Pseudonyms, address_of, hash_of, name_of

ADA = "ada@example.org"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ERASED = Pseudonyms(frozenset({hash_of(ADA)}))
HIDDEN = f"{name_of(ADA)} <{address_of(ADA)}>"


@pytest.mark.parametrize("address", [ADA, "Ada@Example.ORG", " ada@example.org "])
def test_who_was_erased_signs_with_one_pseudonym_however_the_address_is_spelled(address: str) -> None:
    assert ERASED.of(Signature("Ada Lovelace", address, NOW)) == Signature(name_of(ADA), address_of(ADA), NOW)


def test_others_sign_as_they_do() -> None:
    grace = Signature("Grace", "grace@example.org", NOW)
    assert ERASED.of(grace) == grace


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix\n\nSigned-off-by: Ada Lovelace <ada@example.org>", f"Fix\n\nSigned-off-by: {HIDDEN}"),
        ("Co-authored-by: Ada <ADA@example.org>\nCo-authored-by: Grace <g@example.org>", None),
        ("thanks to ada@example.org, who", f"thanks to {address_of(ADA)}, who"),
        ("a <b> c @ d", "a <b> c @ d"),
        ("xada@example.org stays", "xada@example.org stays"),
    ],
)
def test_texts_keep_neither_name_nor_address(text: str, expected: str | None) -> None:
    found = ERASED.in_text(text)
    assert found == (expected or f"Co-authored-by: {HIDDEN}\nCo-authored-by: Grace <g@example.org>")


def test_a_mailmap_gives_nobody_the_name_back() -> None:
    mailmap = b"Ada Lovelace <ada@example.org> <old@example.org>\nGrace \xff <g@example.org>\n"
    hidden = ERASED.in_mailmap(mailmap)
    authors = [Signature("A", "old@example.org", NOW)]
    person = People(authors, hidden).of(authors[0])
    assert (person.name, person.email) == (name_of(ADA), address_of(ADA))
    assert hidden.endswith(b"Grace \xff <g@example.org>\n")


def test_a_commit_is_kept_under_the_pseudonym() -> None:
    ada = Signature("Ada", ADA, NOW)
    commit = Commit("1" * 40, (), ada, ada, "Fix", f"Fix\n\nReported-by: Ada <{ADA}>", signed=False)
    hidden = ERASED.of_commit(commit)
    assert "Ada" not in repr(hidden)
    assert ADA not in repr(hidden)
    assert Pseudonyms().of_commit(commit) is commit


def test_names_are_replaced_as_whole_words() -> None:
    found = ERASED.in_json({"message": "Ada changed 5 files.", "paths": ["Adalbert"], "n": 5}, {"Ada"}, ADA)
    assert found == {"message": f"{name_of(ADA)} changed 5 files.", "paths": ["Adalbert"], "n": 5}
