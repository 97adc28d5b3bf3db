"""The decoder of event streams, against the standard read literally."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duihua.providers.errors import ProviderEventTooLarge
from duihua.providers.sse import SSEDecoder


def decode(*chunks: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.flush()


def reference(stream: bytes) -> list[bytes]:
    """WHATWG HTML §9.2.6 word by word, on the whole stream; an unfinished last event counts."""
    events, data = [], b""
    for line in [*re.split(b"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf")), b""]:
        field, colon, value = line.partition(b":")
        if not line:
            if data:
                events.append(data[:-1])
            data = b""
        elif field == b"data" and (colon or line == b"data"):
            data += value.removeprefix(b" ") + b"\n"
    return events


PIECES = st.sampled_from(
    (
        *(b"data: x", b"data:y", b"data", b"data:", b"data:  z", b"data: {}\n\n", "data: 😀".encode()),
        *(b"\n", b"\r", b"\r\n", b"\n\n", b": ping", b"id: 1", b"event: e", b"retry: 1", b"database: no"),
        *(b" data: no", b"\xef\xbb\xbf", b"\xef", b"\xbb\xbf", b"\x00\xff", "\u2028\u2029\u0085".encode()),
    )
)
STREAMS = st.lists(PIECES, max_size=14).map(b"".join)


@settings(deadline=None)
@given(STREAMS)
def test_one_feed_reads_as_the_standard_says(stream: bytes) -> None:
    assert decode(stream) == reference(stream)


@settings(deadline=None)
@given(STREAMS, st.data())
def test_cuts_change_nothing(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=6)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(*chunks) == reference(stream)


TRICKY = (
    "\ufeff: hello\r\ndata: 你好\u2028\u2029\u0085😀\r\n\r\n: ping\n\nevent: x\rdata:a\rdata: b\r\n"
    "data: c\r\rid: 7\ndata\n\ndata: last"
).encode()


def test_every_split_in_three_and_in_single_bytes() -> None:
    expected = ["你好\u2028\u2029\u0085😀".encode(), b"a\nb\nc", b"", b"last"]
    assert reference(TRICKY) == expected
    for first in range(len(TRICKY) + 1):
        for second in range(first, len(TRICKY) + 1):
            assert decode(TRICKY[:first], TRICKY[first:second], TRICKY[second:]) == expected
    assert decode(*(bytes([byte]) for byte in TRICKY)) == expected


def test_an_event_is_given_as_soon_as_its_blank_line_is_there() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n\r") == [b"a"]
    assert decoder.feed(b"\ndata: b\n\n") == [b"b"]
    assert decoder.feed(b"data: c\n\ndata: d") == [b"c"]
    assert decoder.feed(b"\n\n") == [b"d"]
    assert decoder.flush() == []


def test_the_limit_counts_one_event_and_not_the_stream() -> None:
    decoder = SSEDecoder(limit_bytes=10)
    for _ in range(100):
        assert decoder.feed(b"data: 0123456789\n\n") == [b"0123456789"]
        assert decoder.feed(b"data: 01234\ndata: 56\n\n: c\n\n") == [b"01234\n56"]
        assert decoder.feed(b": 0123") + decoder.feed(b"4567\n") == []


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: 01234567890\n\n"],
        [b"data: 012345", b"67890"],
        [b": 0123456789", b"0123456789"],
        [b"data: 012345\n", b"data: 67890\n"],
        [b"data:\n"] * 12,
    ],
)
def test_an_event_beyond_the_limit_is_refused(chunks: list[bytes]) -> None:
    decoder = SSEDecoder(limit_bytes=10)
    with pytest.raises(ProviderEventTooLarge):
        for chunk in chunks:
            decoder.feed(chunk)


@pytest.mark.parametrize("line", [b"data: " + b"x" * 100_000, b"data:x\n" * 15_000])
def test_single_bytes_take_linear_time(line: bytes) -> None:
    def seconds(stream: bytes) -> float:
        decoder, started = SSEDecoder(), time.process_time()
        for byte in stream:
            decoder.feed(bytes([byte]))
        return time.process_time() - started

    short = min(seconds(line[: len(line) // 10]) for _ in range(3))
    # Ten times the bytes: about 10 if linear, 100 if quadratic.
    assert seconds(line) < 40 * short
