"""Connections and the models they list, in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, or_, select, update

from duihua.core.clock import now
from duihua.core.pagination import decode_cursor, encode_cursor
from duihua.db.base import table_of
from duihua.db.matching import contains, within
from duihua.db.paging import read_page
from duihua.db.rows import locked, untracked
from duihua.db.session import Session
from duihua.db.telling import look
from duihua.models import Connection, ConnectionModel
from duihua.providers.base import ModelInfo
from duihua.schemas.connection import ConnectionQuery

CURSOR = "connections"

# Built once: the first token waits for it.
_ACTIVE = (
    select(table_of(Connection))
    .where(Connection.user_id == bindparam("user"), Connection.status == "active")
    .order_by(Connection.id)
)


def active(session: Session, user_id: int) -> Sequence[Connection]:
    """The user's active connections, the oldest, which is the default one, first; to be read only."""
    found = look(session.connection(), _ACTIVE, {"user": user_id})
    return [untracked(Connection, **values) for values in found]


def every(session: Session, user_id: int) -> Sequence[Connection]:
    """All of the user's connections, the oldest first."""
    return session.scalars(select(Connection).where(*_visible(user_id)).order_by(Connection.id)).all()


def offering(session: Session, user_id: int, model_id: str) -> int | None:
    """The first of the user's active connections with this model: named by the user, or listed."""
    listed = select(ConnectionModel.connection_id).where(
        ConnectionModel.connection_id == Connection.id, ConnectionModel.model_id == model_id
    )
    return session.scalar(
        select(Connection.id)
        .where(
            Connection.user_id == user_id,
            Connection.status == "active",
            or_(Connection.model_name == model_id, listed.exists()),
        )
        .order_by(Connection.id)
        .limit(1)
    )


def listed(session: Session, connection_ids: Sequence[int]) -> dict[int, list[ModelInfo]]:
    """The models that each connection last listed, in the provider's order."""
    rows = session.scalars(
        select(ConnectionModel)
        .where(ConnectionModel.connection_id.in_(connection_ids))
        .order_by(ConnectionModel.connection_id, ConnectionModel.place)
    )
    found: dict[int, list[ModelInfo]] = {connection_id: [] for connection_id in connection_ids}
    for row in rows:
        found[row.connection_id].append(
            ModelInfo(row.model_id, row.name, row.context_length, _capabilities(row.capabilities))
        )
    return found


def capabilities_of(session: Session, connection_id: int, model_id: str) -> tuple[str, ...] | None:
    """What a connection last told of a model; None where it told nothing."""
    told = select(ConnectionModel.capabilities).where(
        ConnectionModel.connection_id == connection_id, ConnectionModel.model_id == model_id
    )
    return _capabilities(session.scalar(told))


def _capabilities(stored: list[str] | None) -> tuple[str, ...] | None:
    return None if stored is None else tuple(stored)


def forget_list(session: Session, connection_id: int) -> None:
    """Delete a connection's list: it was another provider's."""
    session.execute(delete(ConnectionModel).where(ConnectionModel.connection_id == connection_id))


def keep_list(
    session: Session, connection: Connection, models: Sequence[ModelInfo], moment: datetime
) -> None:
    """Put a new list in the place of the old one."""
    forget_list(session, connection.id)
    values = [
        {
            "connection_id": connection.id,
            "model_id": model.id,
            "place": place,
            "name": model.name,
            "context_length": model.context_length,
            "capabilities": None if model.capabilities is None else list(model.capabilities),
        }
        for place, model in enumerate(models)
    ]
    if values:
        session.execute(insert(ConnectionModel), values)
    connection.models_listed_at = moment


def find(session: Session, user_id: int, connection_id: int, *, lock: bool = False) -> Connection | None:
    """The user's connection, unless it is deleted; `lock` keeps other writers off its row."""
    statement = select(Connection).where(Connection.id == connection_id, *_visible(user_id))
    return session.scalar(locked(statement) if lock else statement)


def page(
    session: Session, user_id: int, query: ConnectionQuery
) -> tuple[Sequence[Connection], int, str | None]:
    """One page, the oldest first, the total, and the cursor of the next page.

    Raises:
        InvalidInput: a cursor that is not of this list.
    """
    conditions = _filters(session, user_id, query)
    total = session.scalar(select(func.count()).select_from(Connection).where(*conditions)) or 0
    statement = select(Connection).where(*conditions).order_by(Connection.id)
    rows, more = read_page(session, statement, query, _beyond)
    return rows, total, encode_cursor(CURSOR, rows[-1].id) if more else None


def _beyond(cursor: str) -> ColumnElement[bool]:
    row_id: int = decode_cursor(cursor, CURSOR, int)[0]
    return Connection.id > row_id


def set_status(session: Session, user_id: int, ids: Sequence[int], status: str) -> Sequence[int]:
    """Give those of the user's connections that exist this status; their ids."""
    moment = now()
    deleted_at = moment if status == "deleted" else None
    return session.scalars(
        update(Connection)
        .where(Connection.id.in_(ids), *_visible(user_id))
        .values(status=status, updated_at=moment, deleted_at=deleted_at)
        .returning(Connection.id)
        .execution_options(synchronize_session=False)
    ).all()


def stored_keys(session: Session) -> list[tuple[int, str]]:
    """Every API key as it is stored, by its row, whoever's it is, deleted or not."""
    rows = session.execute(
        select(Connection.id, Connection.api_key)
        .where(Connection.api_key.is_not(None), Connection.api_key != "")
        .order_by(Connection.id)
    )
    return [(row_id, str(stored)) for row_id, stored in rows]


def replace_keys(session: Session, renewed: Sequence[tuple[int, str, str]]) -> int:
    """Put (row, old, new): the new form of an API key, where the old is still there; how many were put."""
    done = 0
    for row_id, old, new in renewed:
        put = (
            update(Connection)
            .where(Connection.id == row_id, Connection.api_key == old)
            .values(api_key=new)
            .returning(Connection.id)
            .execution_options(synchronize_session=False)
        )
        done += session.scalar(put) is not None
    return done


def _visible(user_id: int) -> tuple[ColumnElement[bool], ...]:
    return Connection.user_id == user_id, Connection.status != "deleted"


def _filters(session: Session, user_id: int, query: ConnectionQuery) -> list[ColumnElement[bool]]:
    conditions = list(_visible(user_id))
    if query.keyword is not None:
        columns = (Connection.model_name, Connection.model_url, Connection.provider, Connection.description)
        conditions.append(or_(*(contains(session, column, query.keyword) for column in columns)))
    for column in (Connection.status, Connection.model_name, Connection.provider):
        if (wanted := getattr(query, column.key)) is not None:
            conditions.append(column == wanted)
    return conditions + within(Connection.created_at, query)
