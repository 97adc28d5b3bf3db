"""What is told to a driver itself is stored as if SQLAlchemy had told it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from duihua.db.base import table_of
from duihua.db.session import Database, Session
from duihua.db.telling import ask, look, tell
from duihua.models import ChatGroup, Conversation
from duihua.models.user import LOCAL_USER_ID

CONVERSATIONS = table_of(Conversation)
_MOMENT = datetime(2026, 2, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=8)))
_ADD = insert(CONVERSATIONS)
_ADD_AND_NAME = insert(CONVERSATIONS).returning(CONVERSATIONS.c.id)
_OF_USER = select(CONVERSATIONS).where(CONVERSATIONS.c.user_id == bindparam("user"), CONVERSATIONS.c.id > 0)
_TOUCH = update(CONVERSATIONS).values(pinned=True)


def row(group: int, number: int) -> dict[str, Any]:
    return {
        "uuid": f"uuid-{number}",
        "user_id": LOCAL_USER_ID,
        "group_id": group,
        "title": "标题 😀",
        "config": {"温度": [1, None]} if number % 2 else None,
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
    }


def group(session: Session) -> int:
    made = ChatGroup(user_id=LOCAL_USER_ID, name="组", created_at=_MOMENT, updated_at=_MOMENT)
    session.add(made)
    session.flush()
    return made.id


def stored(session: Session) -> list[dict[str, Any]]:
    rows = session.execute(select(CONVERSATIONS).order_by(CONVERSATIONS.c.id)).mappings()
    return [{**found, "id": 0, "uuid": ""} for found in rows]


async def test_values_and_defaults_are_those_of_sqlalchemy(database: Database) -> None:
    def write(session: Session) -> tuple[int, int]:
        connection, into = session.connection(), group(session)
        connection.execute(_ADD, [row(into, 1), row(into, 2)])
        named = [ask(connection, _ADD_AND_NAME, row(into, number)) for number in (3, 4)]
        tell(connection, _ADD, [row(into, 5), row(into, 6)])
        assert named == list(session.scalars(select(CONVERSATIONS.c.id).order_by(CONVERSATIONS.c.id)))[2:4]
        return tell(connection, _TOUCH, [{}])

    assert await database.write(write) == 6
    found = await database.read(stored)
    assert found[0::2] == [found[0]] * 3
    assert found[1::2] == [found[1]] * 3
    assert (found[0]["config"], found[1]["config"]) == ({"温度": [1, None]}, None)
    assert found[0]["created_at"] == _MOMENT.astimezone(UTC)
    assert found[0]["pinned"] is True


@pytest.mark.parametrize("way", [ask, tell])
async def test_a_refusal_is_sqlalchemys(database: Database, way: Any) -> None:
    def twice(session: Session) -> None:
        connection, into = session.connection(), group(session)
        for _ in range(2):
            statement, rows = (_ADD_AND_NAME, row(into, 1)) if way is ask else (_ADD, [row(into, 1)])
            way(connection, statement, rows)

    with pytest.raises(IntegrityError) as refusal:
        await database.write(twice)
    assert "标题" not in str(refusal.value)
    assert await database.read(stored) == []


async def test_rows_are_found_as_sqlalchemy_finds_them(database: Database) -> None:
    def write(session: Session) -> None:
        tell(session.connection(), _ADD, [row(group(session), number) for number in (1, 2)])

    def read(session: Session) -> None:
        mine, nobody = {"user": LOCAL_USER_ID}, {"user": LOCAL_USER_ID + 1}
        found = look(session.connection(), _OF_USER, mine)
        assert found == list(map(dict, session.execute(_OF_USER, mine).mappings()))
        assert [values["created_at"] for values in found] == [_MOMENT.astimezone(UTC)] * 2
        assert [values["config"] for values in found] == [{"温度": [1, None]}, None]
        assert [values["pinned"] for values in found] == [False, False]
        assert look(session.connection(), _OF_USER, nobody) == []

    await database.write(write)
    await database.read(read)
