"""What a provider says that takes its time: however long, it holds nobody up."""

import time
from collections.abc import Callable

import pytest

from duihua.providers.endpoint import Endpoint
from duihua.providers.openai_reply import OpenAIReply
from duihua.providers.refusals import error_of, page_title, refusal

ENDPOINT = Endpoint("p", "http://host/v1", "a-secret-key-of-ours")
MEGABYTES = 4_000_000


def gather_in_small_pieces() -> None:
    reading = OpenAIReply(ENDPOINT, "m")
    reading.feed(b"<")
    for _ in range(MEGABYTES // 1000):
        reading.feed(b"x" * 1000)


@pytest.mark.parametrize(
    "work",
    [
        lambda: refusal(ENDPOINT, 502, b"<title" * 10_000, {}),
        lambda: page_title("<" + "<title" * (MEGABYTES // 6)),
        lambda: error_of(ENDPOINT, {"message": "model " * (MEGABYTES // 6)}, model="m"),
        gather_in_small_pieces,
    ],
    ids=["page", "large page", "message", "pieces"],
)
def test_a_long_answer_takes_no_long_time(work: Callable[[], object]) -> None:
    began = time.process_time()
    work()
    assert time.process_time() - began < 1


def test_of_a_long_message_no_part_of_the_key_is_shown() -> None:
    for blanks in range(7_980, 8_001):
        assert "a-s" not in ENDPOINT.redact(" " * blanks + "a-secret-key-of-ours" + " x" * 100)


def test_a_page_says_what_it_is() -> None:
    assert page_title('<html><head><TITLE lang="en"> Log in </title>') == "an HTML page: Log in"
    assert page_title("<html><title></title>") == "an HTML page"


def test_a_body_in_pieces_is_one() -> None:
    reading = OpenAIReply(ENDPOINT, "m")
    body = b' {"choices": [{"message": {"content": "a  b"}, "finish_reason": "stop"}]}'
    for at in range(len(body)):
        assert reading.feed(body[at : at + 1]) == []
    assert [delta.text for delta in reading.feed(b"")] == ["a  b"]
    assert reading.verdict(None) is None
