"""The boundary where a provider's bytes become text that every database and client can hold."""

import json
from typing import Any

import msgspec

REPLACEMENT = "\ufffd"


class TextJoiner:
    """One channel of a reply: makes its pieces storable without losing what lies across two of them.

    NUL and lone surrogates become U+FFFD (PostgreSQL and UTF-8 cannot hold them). A surrogate pair that
    the provider cut in two (`\\ud83d`, then `\\ude00`) is put together again.
    """

    __slots__ = ("_high",)

    def __init__(self) -> None:
        self._high = ""

    def push(self, piece: str) -> str:
        """The storable text of the next piece; a high surrogate at its end waits for the piece after it."""
        if "\0" in piece:
            piece = piece.replace("\0", REPLACEMENT)
        if not self._high:
            if piece.isascii():
                return piece
            try:
                piece.encode()
            except UnicodeEncodeError:
                pass
            else:
                return piece
        return self._joined(self._high + piece)

    def flush(self) -> str:
        """What is left at the end: U+FFFD for half of a pair, usually nothing."""
        left, self._high = self._high, ""
        return REPLACEMENT if left else ""

    def _joined(self, piece: str) -> str:
        self._high = piece[-1] if piece and "\ud800" <= piece[-1] <= "\udbff" else ""
        whole = piece[:-1] if self._high else piece
        return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def storable(text: str) -> str:
    """`text` with NUL and lone surrogates replaced by U+FFFD."""
    joiner = TextJoiner()
    return joiner.push(text) + joiner.flush()


def one_line(text: str) -> str:
    """`text` on one line, without control, format and other characters that a person cannot see."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def decode_json(data: bytes) -> Any:
    """Decode JSON as leniently as providers need: also invalid UTF-8, lone surrogates, NaN, raw controls.

    Raises:
        ValueError: it is no JSON, or nested deeper than the interpreter allows.
    """
    try:
        return msgspec.json.decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(data.decode("utf-8", "replace"), strict=False)
    except RecursionError:
        pass
    raise ValueError("nested too deeply")
