"""Rows of one kind that no language has: a text of them is folded and looked through in its length."""

import time
import unicodedata

import pytest

from duihua.core.text import fold
from duihua.search_index.query import parse


@pytest.mark.parametrize("pair", ["\u0301\u0323", "\uff9e\u0301"])
def test_marks_without_end_are_folded_at_once(pair: str) -> None:
    began = time.process_time()
    fold("a" + pair * 50_000)
    assert time.process_time() - began < 5


def test_few_marks_are_folded_as_a_whole() -> None:
    text = "ａ" + "\u0301\u0323" * 128 + "がｶﾞ" * 200
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    assert fold(text) == whole


def test_a_word_without_end_is_looked_through_once() -> None:
    (term,) = parse("foo").wanted
    began = time.process_time()
    assert term.words("a-foo afoob foofoo " + "a" * 100_000) == ["afoob", "foofoo"]
    assert time.process_time() - began < 5
