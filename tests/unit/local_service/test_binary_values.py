import json
from typing import Any

import pytest

from local_service.aws.binary_values import decoded


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"Item": {"B": {"B": "AP8="}}}, {"Item": {"B": {"B": b"\x00\xff"}}}),
        ({"a": {"L": [{"M": {"BS": {"BS": ["MQ==", "Mg=="]}}}]}}, {"a": {"L": [{"M": {"BS": {"BS": [b"1", b"2"]}}}]}}),
        ({"B": {"S": "AP8="}, "Bytes": {"BOOL": True}}, {"B": {"S": "AP8="}, "Bytes": {"BOOL": True}}),
        ({"a": {"S": "AP8="}}, {"a": {"S": "AP8="}}),
    ],
)
def test_values_that_are_binary_become_bytes_and_no_others(said: dict[str, Any], meant: dict[str, Any]) -> None:
    assert decoded(json.dumps(said)) == meant
    assert decoded(json.dumps(said, separators=(",", " :\n"))) == meant
    assert decoded(json.dumps(said).encode()) == meant
