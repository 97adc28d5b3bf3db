"""Connections and the models they list, in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, select

from duihua.db.session import Session
from duihua.models import Connection, ConnectionModel
from duihua.providers.base import ModelInfo

# Built once: the first token waits for it.
_ACTIVE = (
    select(Connection)
    .where(Connection.user_id == bindparam("user"), Connection.status == "active")
    .order_by(Connection.id)
)


def active(session: Session, user_id: int) -> Sequence[Connection]:
    """The user's active connections, the oldest, which is the default one, first."""
    return session.scalars(_ACTIVE, {"user": user_id}).all()


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
        found[row.connection_id].append(ModelInfo(row.model_id, row.name, row.context_length))
    return found


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
        }
        for place, model in enumerate(models)
    ]
    if values:
        session.execute(insert(ConnectionModel), values)
    connection.models_listed_at = moment
