"""A row that is locked is as it is in the database, whatever the unit of work knew of it before."""

from sqlalchemy import update

from duihua.conversations import access, service
from duihua.db.session import Database, Session
from duihua.models import Conversation
from duihua.schemas.conversation import ConversationCreate


async def test_a_conversation_that_is_locked_is_read_anew(database: Database) -> None:
    made = await database.write(service.create, 1, ConversationCreate())

    def work(session: Session) -> int:
        known = access.owned(session, 1, made["uuid"])
        # As another process would, while this one waits for the lock.
        session.connection().execute(
            update(Conversation).where(Conversation.id == known.id).values(message_count=1)
        )
        locked = access.owned(session, 1, made["uuid"], lock=True)
        locked.message_count = 0
        session.flush()
        session.expire(locked)
        return locked.message_count

    assert await database.write(work) == 0
