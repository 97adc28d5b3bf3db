"""A long text is folded and taken apart piece by piece, and nothing of it is different."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duihua.core import text as text_module
from duihua.core.text import fold, pieces
from duihua.search_index import tokens

# What composes with what is before it (marks, jamo, vowels in two parts), is folded to more, or parts words.
_ODD = (
    "aAeé\u0301\u0327\u0345 \n,，。.中国海ﬁßſŒİΣς가"
    "\u1100\u1161\u11a8\u09c7\u09be\u1b05\u1b35😀\u200d\ufe0fが\u3099ｶﾞ㍿①\u212b"
)
texts = st.text(st.sampled_from(_ODD) | st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.fixture(autouse=True, params=[1, 2, 7])
def _small(request: pytest.FixtureRequest) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(text_module, "_PIECE", request.param)
    request.addfinalizer(patch.undo)


@given(texts)
def test_a_text_is_folded_as_a_whole(text: str) -> None:
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    assert fold(text) == whole


@given(texts)
def test_a_text_has_the_tokens_of_a_whole(text: str) -> None:
    folded = fold(text) or ""
    whole: set[str] = set()
    tokens._add_tokens(folded, whole)
    assert tokens.tokens(folded) == whole
    assert "".join(pieces(folded, tokens._BREAK)) == folded


def test_a_long_text_is_taken_in_pieces() -> None:
    assert len(list(pieces("海，" * 20, tokens._BREAK))) > 4
