"""Real conversations to replay; see the data's own README for where they come from and their licences."""

import json
import lzma
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from benchmarks import replies
from benchmarks.processes import ROOT

# Beside the repository, not in it: some of it is share-alike.
FOLDER = ROOT.parent / "shared" / "data"
LANGUAGES = ("zh", "en", "mixed")


class DataMissing(FileNotFoundError):
    """The dialogue files are not on this machine."""


class Turn(NamedTuple):
    """What a person says, and what the model answers."""

    question: str
    answer: str


class Dialogue(NamedTuple):
    """One conversation."""

    name: str
    language: str
    system: str | None
    turns: Sequence[Turn]


def texts(language: str, folder: Path = FOLDER) -> Iterator[list[str]]:
    """What is said in each dialogue of one language. Raises DataMissing."""
    with _lines(language, folder) as lines:
        for line in lines:
            yield [turn["content"] for turn in json.loads(line)["turns"]]


def sample(count: int, seed: int, folder: Path = FOLDER) -> list[Dialogue]:
    """`count` dialogues, as many of each language, chosen by `seed`, in random order.

    Raises:
        DataMissing: where to look for them.
    """
    chance = random.Random(seed)
    found: list[Dialogue] = []
    for at, language in enumerate(LANGUAGES):
        with _lines(language, folder) as lines:
            wanted = (count + at) // len(LANGUAGES)
            found += (_dialogue(line, language) for line in chance.sample(list(lines), wanted))
    chance.shuffle(found)
    return found


def _lines(language: str, folder: Path) -> TextIO:
    path = folder / f"dialogues_{language}.jsonl.xz"
    if not path.exists():
        raise DataMissing(f"{path.name} is not in {folder}: the dialogues are no part of the repository")
    return lzma.open(path, "rt", encoding="utf-8", newline="\n")


def _dialogue(line: str, language: str) -> Dialogue:
    record = json.loads(line)
    turns, said = [], record["turns"]
    for at, turn in enumerate(said):
        if turn["role"] != "user":
            continue
        follows = said[at + 1] if at + 1 < len(said) else {"role": ""}
        is_answered = follows["role"] == "assistant"
        answer = follows["content"] if is_answered else "".join(replies.pieces(turn["content"], 40))
        turns.append(Turn(turn["content"], answer))
    system = next((turn["content"] for turn in said if turn["role"] == "system"), None)
    return Dialogue(str(record["conversation"]), language, system, turns)
