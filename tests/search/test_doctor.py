"""`duihua doctor` finds what the index should not hold, or lacks, and makes it right."""

import asyncio
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import delete, text, update

from duihua.conversations import service
from duihua.core.ids import new_uuid
from duihua.db.session import Database, Session
from duihua.models import Conversation, Message, MessageDocument, SearchIndex, Tally, User
from duihua.schemas.conversation import ConversationCreate
from duihua.search_index import audit_repository, rebuilding, repository
from duihua.statistics import service as statistics
from tests.fixtures.rows import MOMENT
from tests.search.test_current import check_index
from tests.search.test_found import TEXTS, found, store


async def healed(database: Database) -> dict[str, rebuilding.Finding]:
    seen: list[int] = []
    findings = {kind: await rebuilding.heal(database, kind, seen.append) for kind in rebuilding.KINDS}
    assert sum(seen) == sum(finding.seen for finding in findings.values())
    await database.write(check_index)
    return findings


async def test_a_sound_index_is_left_alone(database: Database) -> None:
    await database.write(store, TEXTS)
    assert await healed(database) == {
        "messages": rebuilding.Finding(len(TEXTS), 0, ""),
        "conversations": rebuilding.Finding(1, 0, ""),
    }


async def test_what_was_changed_behind_its_back_is_found_as_it_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_IN_A_TRANSACTION", 5)

    def meddle(session: Session) -> None:
        store(session, TEXTS)
        session.execute(update(Message).where(Message.content.contains("红叶")).values(content="红豆"))
        session.execute(update(Message).where(Message.content.contains("京都")).values(content="奈良"))

    await database.write(meddle)
    assert len(await database.read(found, "京都")) == 2
    assert (await healed(database))["messages"] == rebuilding.Finding(len(TEXTS), 2, "")
    assert await database.read(found, "京都") == set()
    assert len(await database.read(found, "奈良")) == 2


def lose_tokens(session: Session) -> None:
    """On PostgreSQL nobody can, and the other rules are what is found."""
    if session.get_bind().dialect.name == "sqlite":
        words = "INSERT INTO message_terms (message_terms, rowid, tokens) VALUES ('delete', :row, '京都')"
        session.execute(text(words), {"row": repository.place(1, 1)})
    else:
        follow_other_rules(session)


def leave_an_orphan(session: Session) -> None:
    session.add(MessageDocument(id=99, user_id=1, conversation_id=1, said_at=0, text="x"))


def give_to_another(session: Session) -> None:
    session.add(User(id=2, uuid=new_uuid(), name="another", created_at=MOMENT))
    session.flush()
    session.execute(update(MessageDocument).where(MessageDocument.id == 1).values(user_id=2))


def follow_other_rules(session: Session) -> None:
    session.execute(update(SearchIndex).values(version=0))


@pytest.mark.parametrize("spoil", [lose_tokens, leave_an_orphan, give_to_another, follow_other_rules])
async def test_what_cannot_be_corrected_is_made_anew(
    database: Database, spoil: Callable[[Session], None]
) -> None:
    await database.write(store, TEXTS)
    await database.write(spoil)
    finding = (await healed(database))["messages"]
    assert (finding.seen, finding.corrected) == (len(TEXTS), 0)
    assert finding.reason
    assert not await database.read(rebuilding.is_outdated)
    assert len(await database.read(found, "京都")) == 2
    assert (await healed(database))["messages"].reason == ""


async def test_the_command_says_what_it_did(database_url: str, database: Database) -> None:
    await database.write(store, TEXTS)
    await database.write(audit_repository.set_version, "messages", 0)
    said = await _doctor(database_url)
    assert f"{len(TEXTS)} messages: made anew, because it was made by other rules" in said
    assert "1 conversations: 0 were wrong" in said
    await database.write(check_index)


async def test_the_command_counts_statistics_anew(database_url: str, database: Database) -> None:
    made = await database.write(service.create, 1, ConversationCreate())
    assert await database.read(statistics.differences) == (2, 0)
    row = update(Conversation).where(Conversation.uuid == made["uuid"])
    await database.write(lambda session: session.execute(delete(Tally)) and None)
    await database.write(lambda session: session.execute(row.values(counted_in=None)) and None)
    for options, said in (
        ([], "0 tallies of statistics: 1 were wrong; `duihua doctor --recount` counts anew"),
        (["--recount"], "0 tallies of statistics: 1 were wrong; counted anew"),
        ([], "2 tallies of statistics: 0 were wrong"),
    ):
        assert said in await _doctor(database_url, *options)


async def test_statistics_that_are_wrong_are_seen(database: Database) -> None:
    for _ in range(2):
        await database.write(service.create, 1, ConversationCreate())

    def meddle(session: Session) -> None:
        session.execute(update(Tally).where(Tally.span == "month").values(number=3))
        session.execute(update(Tally).where(Tally.span == "quarter").values(model_id="x"))

    await database.write(meddle)
    assert (await database.read(statistics.differences))[1] == 3, "one is another, one missing, one too much"


async def _doctor(*arguments: str) -> str:
    command = [sys.executable, "-m", "duihua", "doctor", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0
    return said
