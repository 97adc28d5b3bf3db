"""What is looked for: keywords of every class, cut out of the texts."""

import random
from collections.abc import Callable, Sequence

OF_CLASS = 12
_COMMON = "的我是你了不一"
_PHRASE = 12


def keywords(said: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """A dozen of each class, by a fixed seed."""
    chance = random.Random(7)
    texts = [text for texts in chance.sample(list(said), 3000) for text in texts if len(text) > 20]
    chinese = _Cutter(chance, [text for text in texts if sum(map(_is_chinese, text)) > 15])
    latin = _Cutter(chance, [text for text in texts if text.isascii() and len(text.split()) > 4])
    return {
        "one character, common": list(_COMMON),
        "one character": chinese.letters(1),
        "two characters": chinese.letters(2),
        "three characters": chinese.letters(3),
        "four characters": chinese.letters(4),
        "seven characters": chinese.letters(7),
        "Chinese phrase": chinese.phrases(),
        "two Chinese words": [
            " ".join(pair) for pair in zip(chinese.letters(2), chinese.letters(2), strict=True)
        ],
        "one or two letters": ["a", "i", "t", "th", "ho", "re", "1", "20"],
        "word": latin.cut(lambda text: chance.choice(text.split()).strip(".,!?;:'\"()").lower(), _is_word),
        "inside a word": latin.cut(lambda text: max(text.split(), key=len)[1:-1].lower(), _is_word),
        "English phrase": latin.phrases(),
        "full width": ["ＡＢＣ", "ｈｏｔｅｌ", "１２３"],
        "what nobody said": ["饕餮魍魉", "zzqx", "𓀀"],
    }


class _Cutter:
    def __init__(self, chance: random.Random, texts: Sequence[str]) -> None:
        self._chance, self._texts = chance, texts

    def cut(self, taken: Callable[[str], str], is_usable: Callable[[str], bool]) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < OF_CLASS:
            keyword = taken(self._chance.choice(self._texts)).strip()
            if is_usable(keyword):
                found[keyword] = None
        return list(found)

    def letters(self, count: int) -> list[str]:
        return self.cut(
            lambda text: self._piece(text, count), lambda it: len(it) == count and all(map(_is_chinese, it))
        )

    def phrases(self) -> list[str]:
        return [
            f'"{words}"'
            for words in self.cut(
                lambda text: self._piece(text, _PHRASE).replace('"', "").strip("- "), lambda it: len(it) > 6
            )
        ]

    def _piece(self, text: str, count: int) -> str:
        at = self._chance.randrange(len(text))
        return text[at : at + count]


def _is_chinese(letter: str) -> bool:
    return "一" <= letter <= "鿿"


def _is_word(text: str) -> bool:
    return len(text) > 2 and text.isalnum()
