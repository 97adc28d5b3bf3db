"""Measures of a text."""

import re
import unicodedata
from collections.abc import Iterator

# CJK ideographs, kana and Hangul: models spend about one token on each; elsewhere one per four characters.
_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")

# Latin letters and digits of folded text, with the marks that combine with them: for the class of a pattern.
# Fixed ranges and not Unicode's properties: another Python must find what this one has indexed.
LATIN = "0-9a-zß-öø-\u036f\u1d00-\u1dbf\u1e00-\u1eff\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab6f"

# To work on so many characters at once takes a thread some milliseconds, in which nobody else has a turn.
_PIECE = 16 * 1024
# What never changes, or is changed by, what is before it, however texts are normalized.
_STANDS_ALONE = re.compile(r"[\x00-\x7f\u4e00-\u9fff]")
# Marks that combine with one character: normalization sorts them in quadratic time. No language has so many.
_MOST_MARKS = 256
_MAY_BE_MARKS = re.compile(rf"[^\x00-\x7f\u4e00-\u9fff]{{{_MOST_MARKS},}}")

JOINERS = "\u200c\u200d"


def estimate_tokens(text: str) -> int:
    """About how many tokens a model spends on `text`, where the provider did not say."""
    wide = len(_WIDE.findall(text))
    return wide + (len(text) - wide + 3) // 4


def is_blank(text: str) -> bool:
    """Whether a person would see nothing: white space, format and control characters only."""
    return not any(character.isprintable() and not character.isspace() for character in text)


def fold(text: str | None) -> str | None:
    """The form in which texts are compared: NFKC, case folded, NFKC again (Unicode Standard §3.13, D146)."""
    if text is None:
        return None
    return "".join(_folded(part) for piece in pieces(text, _STANDS_ALONE) for part in _few_marks(piece))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _few_marks(text: str) -> Iterator[str]:
    """The text, cut within rows of more than `_MOST_MARKS` marks."""
    start = 0
    for row in _MAY_BE_MARKS.finditer(text):
        marks = 0
        for at in range(*row.span()):
            # Some, as the half-wide voiced mark of kana, become marks only then.
            is_mark = unicodedata.combining(unicodedata.normalize("NFKD", text[at])[0])
            marks = marks + 1 if is_mark else 0
            if marks > _MOST_MARKS:
                yield text[start:at]
                start, marks = at, 1
    yield text[start:]


def pieces(text: str, beginning: re.Pattern[str]) -> Iterator[str]:
    """The text in pieces of 16,384 characters and what is left until one where a piece may begin."""
    start = 0
    while len(text) - start > _PIECE and (found := beginning.search(text, start + _PIECE)):
        yield text[start : found.start()]
        start = found.start()
    yield text[start:]


def visible(text: str) -> str:
    """`text` without control, format and unassigned characters, line ends, and what turns the writing around.

    What joins the parts of an emoji, and letters of Persian and Hindi, stays.
    """
    return "".join(character for character in text if _is_visible(character))


def _is_visible(character: str) -> bool:
    kind = unicodedata.category(character)
    return character in JOINERS or not (kind.startswith("C") or kind in {"Zl", "Zp"})
