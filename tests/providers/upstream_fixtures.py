"""The upstreams of the reliability programme (its §7.2), and what must come of each."""

import gzip
from typing import NamedTuple

from duihua.providers.endpoint import Timeouts
from tests.fixtures.upstream import (
    DONE,
    FINISH,
    Act,
    Script,
    answer,
    chunked,
    delta,
    event,
    head,
)
from tests.providers.reading import QUICK

CHUNKED = head(Transfer_Encoding="chunked")
TAIL = FINISH + DONE


class Fixture(NamedTuple):
    """A script, and what must come of it: a code or `ok`, the text kept (`*`: any), the requests made."""

    name: str
    script: Script
    code: str = "ok"
    text: str = "Hello 你好"
    timeouts: Timeouts = QUICK
    calls: int = 1
    reasoning: str = ""


def stream(*parts: bytes) -> Script:
    return [head() + b"".join(parts)]


def slowly(event: bytes, end: bytes) -> Script:
    pause: Script = [event, 0.05]
    return [head(), *[step for _ in range(10) for step in pause], end]


HI = delta("Hello ") + delta("你好")
HIGH = delta("a~").replace(b"~", rb"\ud83d")
LOW = delta("~b").replace(b"~", rb"\ude00")
WORDS = "Hello 你好"
SHORT = Timeouts(connect=1.0, first_byte=0.4, idle=0.25, ending=0.1, total=5.0)
IMPATIENT = Timeouts(connect=1.0, first_byte=1.0, idle=1.0, ending=1.0, total=0.3)
TOO_LARGE = b"data: " + b"x" * 10_000_000 + b"\n\n"
NO_TEXT = {"choices": [{"index": 0, "delta": {"content": None}, "finish_reason": None}]}

FIXTURES = [
    Fixture("1 clean end", stream(HI, TAIL)),
    Fixture("1 clean end, chunked", [CHUNKED + chunked(HI), chunked(TAIL), chunked(b"")]),
    Fixture("2 end after headers", [head()], "provider_empty", ""),
    Fixture("2 end after headers, chunked", [CHUNKED], "provider_disconnected", ""),
    Fixture("3 end after first token", stream(HI), "provider_disconnected"),
    Fixture("3 end after first token, chunked", [CHUNKED + chunked(HI)], "provider_disconnected"),
    Fixture("4 end after finish reason", stream(HI, FINISH)),
    Fixture("4 end after finish reason, chunked", [CHUNKED + chunked(HI + FINISH)]),
    Fixture("4 silence after finish reason", [head() + HI + FINISH, Act.HOLD], timeouts=SHORT),
    Fixture("5 reset in a token", [head() + HI + b'data: {"cho', 0.05, Act.RESET], "provider_disconnected"),
    Fixture("5 reset right after a token", [CHUNKED + chunked(HI), Act.RESET], "provider_disconnected", "*"),
    Fixture("6 cut in the size line", [CHUNKED + chunked(HI) + b"1"], "provider_disconnected"),
    Fixture("6 cut in the size line, finished", [CHUNKED + chunked(HI + FINISH) + b"1"]),
    Fixture("7 no blank line at the end", stream(HI, FINISH.rstrip())),
    Fixture("7 half an event at the end", stream(HI, FINISH[:-9]), "provider_disconnected"),
    Fixture("8 held open after [DONE]", [head() + HI + TAIL, Act.HOLD]),
    Fixture("9 error object", stream(HI, event({"error": {"message": "boom"}})), "provider_error"),
    Fixture("9 error text", stream(HI, event({"error": "boom"})), "provider_error"),
    Fixture(
        "9 error, then more", stream(HI, event({"error": {"code": 503}}), HI, TAIL), "provider_unavailable"
    ),
    Fixture(
        "9 error of vLLM",
        stream(event({"object": "error", "message": "m", "code": 400})),
        "provider_error",
        "",
    ),
    Fixture("9 finish reason error", stream(HI, delta(finish="error"), DONE), "provider_error"),
    Fixture(
        "10 HTML page", answer(200, b"<!doctype html><title>Log in</title>"), "provider_invalid_response", ""
    ),
    Fixture(
        "11 JSON answer", answer(200, {"choices": [{"message": {"content": WORDS}, "finish_reason": "stop"}]})
    ),
    Fixture(
        "11 JSON error", answer(200, {"error": {"message": "no", "code": 401}}), "provider_unauthorized", ""
    ),
    Fixture("11 JSON of something else", answer(200, {"hello": 1}), "provider_invalid_response", ""),
    Fixture("11 JSON cut short", [head(Content_Length="99") + b'{"choices": ['], "provider_disconnected", ""),
    Fixture("12 gzip", [head(Content_Encoding="gzip") + gzip.compress(HI + TAIL)]),
    Fixture(
        "12 gzip cut short",
        [head(Content_Encoding="gzip") + gzip.compress(HI)[:-20]],
        "provider_disconnected",
        "*",
    ),
    Fixture("13 no space after data:", stream((HI + TAIL).replace(b"data: ", b"data:"))),
    Fixture("14 data on several lines", stream((HI + TAIL).replace(b', "delta"', b',\ndata: "delta"'))),
    Fixture("15 CR only", stream((HI + TAIL).replace(b"\n", b"\r"))),
    Fixture("16 CRLF split", [head() + HI.replace(b"\n", b"\r\n")[:-1], 0.02, b"\n" + TAIL]),
    Fixture(
        "17 comments only", [head()] + [b": ping\n\n", 0.05] * 200, "provider_timeout", "", timeouts=SHORT
    ),
    Fixture(
        "17 comments after a token",
        [head() + HI] + [b": ping\n\n", 0.05] * 200,
        "provider_timeout",
        timeouts=SHORT,
    ),
    Fixture("18 unknown event names", stream((HI + TAIL).replace(b"data", b"event: x\nid: 9\nfoo: 1\ndata"))),
    Fixture("19 BOM first", stream(b"\xef\xbb\xbf", HI, TAIL)),
    Fixture(
        "20 line separators in JSON",
        stream(delta("a\u2028b\u2029c\u0085d"), TAIL),
        text="a\u2028b\u2029c\u0085d",
    ),
    Fixture("22 surrogate pair over two deltas", stream(HIGH, LOW, TAIL), text="a😀b"),
    Fixture("23 lone surrogates", stream(HIGH, delta("c"), LOW, TAIL), text="a\ufffdc\ufffdb"),
    Fixture("23 lone surrogate last", stream(HIGH, TAIL), text="a\ufffd"),
    Fixture("24 NUL", stream(delta("a\0b"), TAIL), text="a\ufffdb"),
    Fixture(
        "25 invalid UTF-8", stream(HI, delta("a~b").replace(b"~", b"\xff"), TAIL), text=WORDS + "a\ufffdb"
    ),
    Fixture("26 null delta", stream(event({"choices": [{"index": None, "delta": None}]}), HI, TAIL)),
    Fixture("26 null content", stream(event(NO_TEXT), HI, TAIL)),
    Fixture("26 missing choices", stream(event({"id": "x"}), HI, TAIL)),
    Fixture("26 empty choices", stream(event({"choices": []}), event({"choices": [None]}), HI, TAIL)),
    Fixture("26 wrong types", stream(event({"choices": 3, "usage": [], "error": None}), HI, TAIL)),
    Fixture("26 empty data", stream(b"data:\n\ndata: \n\n", HI, TAIL)),
    Fixture("26 usage last", stream(HI, FINISH, event({"choices": [], "usage": {"prompt_tokens": 3}}), DONE)),
    Fixture(
        "27 two choices",
        stream(HI.replace(b'"choices": [', b'"choices": [{"index": 1, "delta": {}}, '), TAIL),
    ),
    Fixture("27 second choice apart", stream(HI, HI.replace(b'"index": 0', b'"index": 1'), TAIL)),
    Fixture(
        "28 tool call never closed", stream(HI, delta(tool_calls=[{"function": {}}])), "provider_disconnected"
    ),
    Fixture("28 tool call slowly", slowly(delta(tool_calls=[{}]), HI + TAIL), timeouts=SHORT),
    Fixture("29 event twice", stream(HI, HI, TAIL), text=WORDS * 2),
    Fixture(
        "30 reasoning, then nothing",
        stream(delta(reasoning_content="hm"), delta(reasoning=", 嗯")),
        "provider_disconnected",
        "",
        reasoning="hm, 嗯",
    ),
    Fixture(
        "30 reasoning, then [DONE]", stream(delta(reasoning="hm"), TAIL), "provider_empty", "", reasoning="hm"
    ),
    Fixture("30 filtered", stream(delta(finish="content_filter"), DONE), "provider_filtered", ""),
    Fixture("31 event of 10 MB", [head() + HI + TOO_LARGE], "provider_event_too_large"),
    Fixture("31 JSON of 10 MB", [head() + b"{" + TOO_LARGE], "provider_event_too_large", ""),
    Fixture("32 100,000 events in one write", [head() + delta("x") * 100_000 + TAIL], text="x" * 100_000),
    Fixture("33 slow and steady", slowly(delta("x"), TAIL), text="x" * 10, timeouts=SHORT),
    Fixture(
        "33 slower than the cap",
        [head()] + [delta("x"), 0.04] * 20,
        "provider_timeout",
        "*",
        timeouts=IMPATIENT,
    ),
    Fixture(
        "34 endless emptiness",
        [head()] + [event(NO_TEXT), 0.05] * 200,
        "provider_timeout",
        "",
        timeouts=SHORT,
    ),
    Fixture("34 event without end", [head() + HI] + [b"data: x" * 200_000] * 8, "provider_event_too_large"),
    Fixture("35 429", answer(429, {"error": {"message": "slow down"}}), "provider_rate_limited", "", calls=3),
    Fixture("36 429 for ages", answer(429, b"", Retry_After="1e9"), "provider_rate_limited", ""),
    Fixture("38 401", answer(401, {"error": {"message": "bad key"}}), "provider_unauthorized", ""),
    Fixture("39 redirect", answer(302, b"", Location="http://127.0.0.1:1/"), "provider_redirected", ""),
    Fixture("42 headers hang", [Act.HOLD], "provider_timeout", "", timeouts=SHORT),
    Fixture("43 half-open after tokens", [head() + HI, Act.HOLD], "provider_timeout", timeouts=SHORT),
    Fixture(
        "45 HTML in the model's name", stream((HI + TAIL).replace(b'{"obj', b'{"model": "<b>x</b>", "obj'))
    ),
]
