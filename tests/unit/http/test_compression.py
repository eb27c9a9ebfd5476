import base64
import gzip

import pytest

from functions.http.compression import SMALLEST, compressed, takes_gzip

LARGE = {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "é" * SMALLEST}


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("GZIP , deflate", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, br", False),
        ("x-gzip", False),
        ("identity", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(accepted: str, takes: bool) -> None:  # noqa: FBT001 - an expectation of a table
    assert takes_gzip(accepted) is takes


def test_a_large_answer_is_compressed_and_has_the_same_text() -> None:
    answer = compressed(LARGE, "gzip")

    assert gzip.decompress(base64.b64decode(answer["body"])).decode() == LARGE["body"]
    assert answer["isBase64Encoded"] is True
    assert answer["headers"] == {
        "Content-Type": "application/json",
        "Vary": "Accept-Encoding",
        "Content-Encoding": "gzip",
    }


def test_who_does_not_take_it_gets_it_as_it_is_and_caches_are_told() -> None:
    answer = compressed(LARGE, "br")

    assert (answer["body"], answer["headers"]["Vary"]) == (LARGE["body"], "Accept-Encoding")
    assert "Content-Encoding" not in answer["headers"]


@pytest.mark.parametrize(
    "answer", [{"statusCode": 200, "body": "small"}, {"statusCode": 204}, {**LARGE, "isBase64Encoded": True}]
)
def test_small_empty_and_encoded_answers_are_left_alone(answer: dict[str, object]) -> None:
    assert compressed(answer, "gzip") == answer
