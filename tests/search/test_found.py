"""What is found is exactly what a scan of every text would find, on both databases."""

import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from duihua.core.errors import InvalidInput
from duihua.core.ids import new_uuid
from duihua.core.text import fold
from duihua.db.session import Database, Session
from duihua.models import Message
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas.search import SearchQuery
from duihua.search import service
from duihua.search_index import found as limits
from duihua.search_index import lookup_repository, repository
from duihua.search_index.found import Wanted
from duihua.search_index.query import parse
from duihua.search_index.signs_repository import walking
from tests.fixtures.rows import MOMENT, conversation, default_group_id

# Each from another corner: scripts, widths, marks, symbols, code, and what only looks the same.
TEXTS = [
    "我想去京都旅行，你有什么建议？",
    "京都的秋天很美。的确如此！",
    "心理咨询：怎么办？没关系，慢慢来。",
    "用 AI助手 写代码，OpenAI助手也行",
    "The restaurant at the end of the universe isn't far; I am there.",
    "STRASSE und Straße, ﬁnal ﬂow ①②",
    "Ｆｕｌｌ　Ｗｉｄｔｈ　１２３！",
    "ハンカクのﾊﾝｶｸと全角のガギグ ｶﾞｷﾞｸﾞ",
    "한국어 메시지도 찾을 수 있습니다",
    "Привет, мир! Ёлка и елка",
    "สวัสดีครับ ยินดีที่ได้รู้จัก",
    "مرحبا بالعالم، كيف حالك؟",
    "C++ and C# are not C; a+b=c, x_1 >= 100% \\ \"quoted\" 'q'",
    "👨‍👩‍👧 family, 👍🏽 and 👍, flags 🇨🇳🇯🇵, ❤️ or ❤",
    "Cafe\u0301 café CAFÉ x\u030c",
    "Ὀδυσσεύς ΟΔΥΣΣΕΥΣ",
    "def f(x):\n    return x**2  # 平方\n\tprint(f'{x!r}')",
    "\ue000 and \ue00021 are private; 21 is not",
    "ab abc abcd xab xabc 1a 12ab34",
    "",
    "   \n ",
    "-minus --double -5 和 “引号” 《书名》【】",
]
WORDS = ["的", "京都", "心理咨询", "AI助手", "restaurant", "ab", "a", "1", "？", "！", "c++", "👍", "straße"]


def store(session: Session, texts: Sequence[str], user_id: int = LOCAL_USER_ID) -> dict[str, str]:
    """Each text as a message of one conversation; by uuid."""
    group = default_group_id(session, user_id)
    chat = conversation(user_id=user_id, group_id=group, title="")
    session.add(chat)
    session.flush()
    rows = [
        Message(
            uuid=new_uuid(),
            user_id=user_id,
            conversation_id=chat.id,
            role="user",
            content=text,
            created_at=MOMENT,
            updated_at=MOMENT,
        )
        for text in texts
    ]
    session.add_all(rows)
    session.flush()
    repository.refresh_messages(session, [row.id for row in rows])
    return {row.uuid: row.content for row in rows}


def terms(keyword: str) -> list[tuple[bool, str]]:
    """Each term, and whether it must be there, by the contract's sentences."""
    cut = re.findall(r'(-?)"([^"]+)"|(-(?=[^\s"-]))?(\S+)', fold(keyword) or "")
    cut = [(not (minus or minus_too), (phrase or word).strip()) for minus, phrase, minus_too, word in cut]
    return [(wanted, literal) for wanted, literal in cut if literal]


def is_latin(letter: str) -> bool:
    return letter in "0123456789" or unicodedata.name(letter, "").startswith(("LATIN SMALL", "COMBINING"))


def scan(text: str, keyword: str) -> bool:
    """Whether a scan without any index would find it."""
    folded = fold(text) or ""
    words = "".join(letter if is_latin(letter) else " " for letter in folded).split()
    for wanted, literal in terms(keyword):
        if len(literal) < 3 and all(map(is_latin, literal)):
            is_there = any(word.startswith(literal) for word in words)
        else:
            is_there = literal in folded
        if is_there != wanted:
            return False
    return True


def walked(session: Session, keyword: str) -> set[str]:
    """What PostgreSQL finds of common words."""
    ids = walking(session, LOCAL_USER_ID, Wanted(repository.MESSAGES, parse(keyword)))
    return set(session.scalars(select(Message.uuid).where(Message.id.in_(ids.order_by(None)))))


def found(session: Session, keyword: str) -> set[str]:
    wanted = SearchQuery(keyword=keyword, type="message", page_size=100)
    answer = service.search(session, LOCAL_USER_ID, wanted)
    assert answer["total"] == {"conversations": 0, "messages": len(answer["messages"]), "is_exact": True}
    return {message["uuid"] for message in answer["messages"]}


FORMS = [str, str.upper, str.lower, '"{}"'.format, "-{}".format]


@st.composite
def keywords(draw: st.DrawFn) -> str:
    """Pieces of the texts, well cut or badly, in other cases and widths, combined."""
    drawn = []
    for _ in range(draw(st.integers(1, 3))):
        text = draw(st.sampled_from([text for text in TEXTS if text.strip()]))
        start = draw(st.integers(0, len(text) - 1))
        piece = draw(st.sampled_from(FORMS))(text[start : start + draw(st.integers(1, 12))])
        drawn.append(draw(st.sampled_from([piece, piece, draw(st.sampled_from(WORDS))])))
    return " ".join(drawn)


# In many words, one of them longer than any that is a token.
AROUND = ["table", "tables", "unable", "able", "stable1", f"x{'y' * 40}able", "abl e", "tab le", "unstable"]
PIECES = [
    *(
        "able",
        "tabl",
        "nstabl",
        "unable",
        "able the",
        "able tabl",
        "able 京",
        "able -京",
        "able -unable",
        "yabl",
    ),
    *(
        '"able to"',
        '"able t"',
        '"e to 京都"',
        '"the able to"',
        "able t",
        "able -a",
        "cable",
        "京都旅",
        "京都旅行",
    ),
]


async def test_what_few_words_prove_and_many_do_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NEWEST", 3)
    monkeypatch.setattr(lookup_repository, "_WORDS", 2)
    ends = ("", " to 京都旅行", " the table", "  to 京都 旅行", " and the able to")
    stored = await database.write(store, [word + end for end in ends for word in AROUND])
    for keyword in PIECES:
        expected = {uuid for uuid, text in stored.items() if scan(text, keyword)}
        assert await database.read(found, keyword) == expected, keyword
        assert expected or keyword == "cable"


async def test_every_query_finds_what_a_scan_finds(database: Database) -> None:
    stored = await database.write(store, TEXTS)
    asked = dict.fromkeys(WORDS)

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(keywords())
    def gather(keyword: str) -> None:
        asked[keyword] = None

    gather()
    hits = 0
    for keyword in asked:
        expected = {uuid for uuid, text in stored.items() if scan(text, keyword)}
        try:
            assert await database.read(found, keyword) == expected, keyword
            if database.dialect == "postgresql":
                assert await database.read(walked, keyword) == expected, keyword
        except InvalidInput:
            assert not any(wanted for wanted, _ in terms(keyword))
        else:
            hits += len(expected)
    assert hits > 50
