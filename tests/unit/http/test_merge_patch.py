from typing import Any

import pytest

from functions.http.merge_patch import merged

EXAMPLES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({"a": "foo"}, {"a": {"b": None}}, {"a": {}}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({}, {"a": [None]}, {"a": [None]}),
    ({}, {"a": None}, {}),
]
"""Those of RFC 7396, appendix A, whose document and patch are objects, and two like them."""


@pytest.mark.parametrize(("document", "patch", "result"), EXAMPLES)
def test_a_patch_is_merged_as_the_standard_says(
    document: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]
) -> None:
    assert merged(document, patch) == result


def test_what_is_patched_stays_as_it_was() -> None:
    document = {"a": {"b": 1}}
    merged(document, {"a": {"b": 2, "c": 3}})
    assert document == {"a": {"b": 1}}
