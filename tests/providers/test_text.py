"""The boundary of text: storable everywhere, and nothing lost that was whole."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duihua.providers.text import TextJoiner, decode_json, one_line, storable

ANY_TEXT = st.text(st.characters(codec=None), max_size=12)
WHOLE_TEXT = st.text(max_size=12)


def joined(pieces: list[str]) -> str:
    joiner = TextJoiner()
    return "".join(map(joiner.push, pieces)) + joiner.flush()


def utf16_units(text: str) -> list[str]:
    units = text.encode("utf-16-be", "surrogatepass")
    return [chr(int.from_bytes(units[start : start + 2], "big")) for start in range(0, len(units), 2)]


@settings(deadline=None)
@given(WHOLE_TEXT)
def test_text_cut_anywhere_even_inside_a_pair_comes_back(text: str) -> None:
    assert joined(utf16_units(text)) == text.replace("\0", "\ufffd")


@settings(deadline=None)
@given(st.lists(ANY_TEXT, max_size=6))
def test_every_result_can_be_stored(pieces: list[str]) -> None:
    text = joined(pieces)
    assert "\0" not in text
    assert text.encode().decode() == text
    # The same as if it had come in one piece: cuts decide nothing.
    assert text == storable("".join(pieces))


@settings(deadline=None)
@given(st.lists(WHOLE_TEXT.filter(lambda text: "\0" not in text), max_size=6))
def test_good_text_is_not_touched_and_not_held_back(pieces: list[str]) -> None:
    joiner = TextJoiner()
    assert list(map(joiner.push, pieces)) == pieces
    assert joiner.flush() == ""


@settings(deadline=None)
@given(st.text())
def test_one_line_is_printable(text: str) -> None:
    assert one_line(text).isprintable()
    assert one_line(one_line(text)) == one_line(text)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (rb'"\ud83d"', "\ud83d"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'"a\nb"', "a\nb"),
        (b"[1e999]", [float("inf")]),
        (b" {} ", {}),
    ],
)
def test_json_is_read_leniently(data: bytes, value: object) -> None:
    assert decode_json(data) == value


@pytest.mark.parametrize("data", [b"", b"{", b"hello", b"[" * 100_000, b"{}{}", b"<html>"])
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_json(data)


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53), st.lists))
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert decode_json(json.dumps(value).encode()) == value
