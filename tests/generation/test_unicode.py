"""What a model says comes back character for character, wherever it is cut, from either database."""

import sys
import unicodedata

from tests.fixtures.client import text_of
from tests.fixtures.server import StartServer
from tests.fixtures.upstream import DONE, FINISH, Script, delta, head
from tests.generation.asking import scripted

# Line ends that are none in SSE, what is no character, a joined emoji, a mark that combines, both directions.
_SPECIAL = "\u2028\u2029\x85\ufeff\ufffe\uffff\U0010ffff👩‍👩‍👧e\u0301שלום\u202e한か龘𠮷\r\n\t\x7f"


def one_of_each_category() -> str:
    """A character of every general category but surrogates; not NUL, which no text may hold."""
    found = {unicodedata.category(char): char for char in map(chr, range(1, sys.maxunicode + 1))}
    assert len(found) == 30
    return "".join(char for category, char in sorted(found.items()) if category != "Cs")


async def test_every_kind_of_character_cut_anywhere(start_server: StartServer) -> None:
    text = one_of_each_category() + _SPECIAL
    said = delta(text)
    cuts = range(said.index(text[0].encode()), len(said))
    script: Script = [head(), *(step for at in cuts for step in (said[:at], 0.001, said[at:])), FINISH + DONE]
    async with scripted(start_server, script) as on:
        chat_id, events = await on.reply(text)
        assert text_of(events) == text * len(cuts)
        question, reply = await on.client.messages(chat_id)
    assert question["content"] == text
    assert reply["content"] == text * len(cuts)
