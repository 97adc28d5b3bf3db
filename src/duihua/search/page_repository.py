"""What a page of hits shows of them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Select, bindparam, func, select
from sqlalchemy.orm import aliased

from duihua.db.base import table_of
from duihua.db.session import Session
from duihua.db.telling import prepared
from duihua.models import Conversation, Message, MessageDocument
from duihua.models.search import owned
from duihua.search_index.repository import is_sqlite
from duihua.vocabulary import ConversationStatus, RowStatus

_PARENT = aliased(Message)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_ARRAY: BindParameter[Any] = bindparam("ids", type_=ARRAY(BigInteger))
_OWNER: BindParameter[int] = bindparam("owner", type_=BigInteger)
# No condition on the message's owner, which would tempt SQLite to another index: it is looked at below.
_MESSAGES = (
    select(
        Message.id,
        Message.uuid,
        Message.user_id,
        Message.role,
        Message.content,
        Message.message_type,
        Message.model_id,
        Message.depth,
        Message.on_branch,
        Message.created_at,
        Conversation.uuid.label("chat_id"),
        Conversation.title.label("chat_title"),
        Conversation.group_id,
        MessageDocument.text.label("folded"),
        _PARENT.uuid.label("parent_id"),
    )
    .join(Conversation, Conversation.id == Message.conversation_id)
    .join(MessageDocument, (MessageDocument.id == Message.id) & owned(MessageDocument, _OWNER))
    .outerjoin(_PARENT, (_PARENT.id == Message.parent_id) & (_PARENT.status == RowStatus.ACTIVE))
)
# Without the ORM, which would track what is only shown.
_CONVERSATIONS = select(*table_of(Conversation).c)


def messages(session: Session, user_id: int, ids: Sequence[int]) -> list[Any]:
    """What is shown of each, in the order of `ids`."""
    rows = _rows(session, _MESSAGES, Message.id, {"ids": list(ids), "owner": user_id})
    return _in_order(ids, (row for row in rows if row.user_id == user_id))


def conversations(session: Session, user_id: int, ids: Sequence[int]) -> list[Any]:
    """These conversations, in the order of `ids`."""
    rows = _rows(session, _CONVERSATIONS, Conversation.id, {"ids": list(ids)})
    return _in_order(
        ids,
        (row for row in rows if row.user_id == user_id and row.status != ConversationStatus.DELETED),
    )


def _rows(session: Session, what: Any, row_id: Any, values: Mapping[str, Any]) -> Sequence[Any]:
    if not values["ids"]:
        return ()
    connection, among = session.connection(), _among(what, row_id, is_sqlite=is_sqlite(session))
    if is_sqlite(session):
        return connection.execute(among, values).all()
    known = prepared(among, connection.dialect, tuple(values))
    found = connection.exec_driver_sql(known.sql, tuple(known.values(values)))
    return [SimpleNamespace(**known.read(row)) for row in found]


@cache
def _among(what: Any, row_id: Any, *, is_sqlite: bool) -> Select[Any]:
    """Built once: that takes as long as the database does; and a list is one value, where it can be."""
    among: Select[Any] = what.where(row_id.in_(_IDS) if is_sqlite else row_id == func.any(_ARRAY))
    return among


def _in_order(ids: Sequence[int], rows: Iterable[Any]) -> list[Any]:
    by_id = {row.id: row for row in rows}
    return [by_id[row_id] for row_id in ids if row_id in by_id]
