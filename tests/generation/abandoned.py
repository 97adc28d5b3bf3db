"""What a process that died leaves behind: a run in the database that nobody works on."""

from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update

from duihua.core.clock import now
from duihua.db.session import Session
from duihua.generation import journal_repository, starting
from duihua.generation.recovery import Recovery
from duihua.generation.starting import Caller
from duihua.models import Generation
from duihua.models.user import LOCAL_USER_ID
from duihua.schemas import stream
from duihua.schemas.message import MessageCreate
from tests.fixtures.client import Client

DEAD = "a process that is gone"


class Abandoned(NamedTuple):
    task_id: str
    generation_id: int
    message_id: str


async def abandon(client: Client, chat_id: str, *chunks: str, owner: str = DEAD) -> Abandoned:
    """Store a question, and its reply as far as `chunks`, as a process would that dies then."""
    app: Any = client.app
    caller = Caller(LOCAL_USER_ID, "zh", None, app.state.catalogue.resolve, owner)
    begun = await app.state.database.write(
        starting.send, caller, MessageCreate(chat_id=chat_id, content="在吗")
    )
    run = begun.run
    pieces = [
        (run.generation_id, seq, stream.piece("chunk", run.message_id, text))
        for seq, text in enumerate(chunks, start=3)
    ]
    if pieces:
        await app.state.database.write(journal_repository.append_events, pieces)
    await app.state.database.write(_set, run.generation_id, lease_expires_at=now() - timedelta(seconds=1))
    return Abandoned(begun.task_id, run.generation_id, run.message_id)


async def change(client: Client, generation_id: int, **values: Any) -> None:
    """Change the row of a generation behind the server's back."""
    await client.app.state.database.write(_set, generation_id, **values)


def recovery_of(client: Client) -> Recovery:
    """A recovery of a server, to be called when a test wants it."""
    state: Any = client.app.state
    return Recovery(state.database, state.bus, state.engine, journal_kept=timedelta(hours=1))


async def row_of(client: Client, task_id: str) -> Generation:
    """The generation as it is stored."""
    return await client.app.state.database.read(_row, task_id)


async def payloads_of(client: Client, generation_id: int) -> list[str]:
    """The journal as it is stored."""
    return await client.app.state.database.read(journal_repository.events_of, generation_id)


def _set(session: Session, generation_id: int, **values: Any) -> None:
    session.execute(update(Generation).where(Generation.id == generation_id).values(**values))


def _row(session: Session, task_id: str) -> Generation:
    row = session.scalars(select(Generation).filter_by(uuid=task_id)).one()
    session.expunge(row)
    return row
