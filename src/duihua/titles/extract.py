"""A title without a model: the first sentence of a text, cut where a reader would cut it."""

import unicodedata

import regex

from duihua.core.text import visible

# The column's, in characters.
MOST_CHARS = 255
# What is looked at for code and addresses, and of what is left without them; in columns, what a title says at
# least where there is more ("Hi!" alone says nothing).
_READ_CHARS = 20_000
_PLAIN_CHARS = 2000
_ENOUGH_COLUMNS = 10
# Below this many graphemes an ellipsis is no help.
_SHORTEST_ELLIPSIS = 4

_FENCED = regex.compile(r"^[ >]*(```+|~~~+).*?(?:^[ >]*\1|\Z)", regex.MULTILINE | regex.DOTALL)
_FENCE = regex.compile(r"^[ >]*(?:```+|~~~+).*$", regex.MULTILINE)
_ADDRESS = regex.compile(r"""data:[\w/+.-]+;base64,[\w+/=]+|(?:https?|ftp)://[^\s<>"'）】》。，、]+""")
_TAG = regex.compile(
    r"</?(?:a|b|i|u|s|p|em|br|hr|li|ol|ul|td|th|tr|div|img|pre|sub|sup|kbd|code|span|font|center|table|strong|"
    r"h[1-6]|details|summary|blockquote)\b[^<>]*>",
    regex.IGNORECASE,
)
_LINK = regex.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)")
# A run of any length would be tried at each of its characters.
_CODE = regex.compile(r"(`{1,9})([^`\n]++)\1")
_STRONG = regex.compile(r"(\*\*\*|\*\*|~~)(?=\S)([^\n*~]+)(?<=\S)\1")
_EMPHASIS = regex.compile(r"(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])")
_MARK = r"\s*(?:>|#{1,6}\s|[-*+]\s(?:\[[ xX]\]\s)?|\d{1,3}[.)]\s)"
_LINE_MARKS = regex.compile(rf"^(?:{_MARK})*+\s*", regex.MULTILINE)
_RULE = regex.compile(r"^[\s|:=_*+-]+$", regex.MULTILINE)
# An end within quotes is none where words follow them. A full stop between a short word and a small letter is
# one of an abbreviation. A run of marks is taken as one, else each of them would be followed to its end.
_CLOSING = r"[\"”’』」）)]"
_ENDS = (
    rf"(?<=[。！？…])(?:{_CLOSING}+(?=\s|$))?(?!{_CLOSING})",
    rf"(?<=[!?]){_CLOSING}*(?=\s|$)",
    rf"(?<=\.){_CLOSING}*(?=\s+[^a-z\s]|\s*$)",
    r"(?<=\w{4}\.)(?=\s)",
    "$",
)
_SENTENCE = regex.compile(
    rf"[^\n](?:$|(?:[。！？…]++|[!?]++|\.++|[^\n])+?(?:{'|'.join(_ENDS)}))", regex.MULTILINE
)
_GRAPHEME = regex.compile(r"\X")
# Scripts without spaces: a title may be cut between any two of their graphemes.
_CUT_ANYWHERE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_OF_A_WORD = regex.compile(rf"(?!{_CUT_ANYWHERE})[\w'’-]")
_NO_GAP_AFTER = ("", *"。！？”’』」）")
_TRAILING = " \t。.，,；;：:、—-(（[【“‘\"'|"


def extracted(text: str, max_length: int) -> str:
    """The first sentence of `text` in at most `max_length` graphemes; empty where there is nothing to read.

    Markdown, code blocks and addresses are left out as far as anything else is there.
    """
    beginning = text[:_READ_CHARS]
    for candidate in (
        _plain(_FENCED.sub("\n", beginning)),
        _plain(_FENCE.sub("", beginning)),
        beginning,
    ):
        if sentence := _opening(candidate):
            return _cut(sentence, max_length)
    return ""


def _plain(markdown: str) -> str:
    text = _ADDRESS.sub("", _LINK.sub(r"\1", markdown)).lstrip()[:_PLAIN_CHARS]
    text = _CODE.sub(r"\2", _TAG.sub(" ", text))
    text = _STRONG.sub(r"\2", _EMPHASIS.sub(r"\1", text))
    return str(_LINE_MARKS.sub("", _RULE.sub("", text)))


def _opening(text: str) -> str:
    """The first sentence; with the next ones where it is very short."""
    taken = ""
    for match in _SENTENCE.finditer(text):
        sentence = " ".join(visible(" ".join(match[0].split())).split()).strip("| ")
        gap = "" if taken[-1:] in _NO_GAP_AFTER else " "
        taken += gap + sentence if sentence else ""
        if _columns(taken) >= _ENOUGH_COLUMNS:
            break
    return taken.rstrip("。.，,；;：: ")


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _cut(text: str, max_length: int) -> str:
    # One character more than can be kept, not all: in a row of flags `\X` goes back to the first for each.
    graphemes = _GRAPHEME.findall(text[: MOST_CHARS + 1])
    if len(graphemes) <= max_length and len(text) <= MOST_CHARS:
        return text
    ellipsis = "…" if max_length >= _SHORTEST_ELLIPSIS else ""
    kept = graphemes[: max_length - len(ellipsis)]
    while sum(map(len, kept)) > MOST_CHARS - len(ellipsis):
        kept.pop()
    end = len(kept)
    while 0 < end < len(graphemes) and all(map(_OF_A_WORD.match, graphemes[end - 1 : end + 1])):
        end -= 1
    # A word that fills half of the title is cut all the same.
    kept = kept[:end] if end > len(kept) // 2 else kept
    return "".join(kept).rstrip(_TRAILING) + ellipsis if kept else ""
