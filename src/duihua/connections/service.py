"""What can be done with connections: units of work for `Database.read` and `Database.write`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from duihua.connections import access, repository
from duihua.connections.catalogue import endpoint_of
from duihua.connections.keys import Keys, KeyUnreadable, masked
from duihua.core.clock import now
from duihua.core.errors import InvalidInput
from duihua.core.pagination import page_of
from duihua.db.session import Session
from duihua.models import Connection
from duihua.providers.errors import ProviderInvalidAddress
from duihua.schemas import outgoing
from duihua.schemas.connection import (
    ConnectionCreate,
    ConnectionQuery,
    ConnectionTest,
    ConnectionUpdate,
    is_masked,
)

# Another of these is another provider: what it listed is no longer true.
_ADDRESS = {"model_url", "provider"}
_WHO_ANSWERS = {"api_key", *_ADDRESS}


def listing(session: Session, user_id: int, keys: Keys, query: ConnectionQuery) -> dict[str, Any]:
    """One page of connections. Raises InvalidInput for a forged cursor."""
    return page_of(
        repository.page(session, user_id, query), partial(_present, keys=keys), query, array="items"
    )


def one(session: Session, user_id: int, keys: Keys, connection_id: int) -> dict[str, Any]:
    """One connection. Raises ConnectionNotFound."""
    return _present(access.owned(session, user_id, connection_id), keys)


def create(session: Session, user_id: int, keys: Keys, new: ConnectionCreate) -> dict[str, Any]:
    """Store a connection, its key encrypted. Raises InvalidInput for an address that is none."""
    moment = now()
    row = Connection(user_id=user_id, created_at=moment, updated_at=moment)
    _take(row, keys, _said(new))
    _check(row)
    session.add(row)
    session.flush()
    return _present(row, keys)


def change(session: Session, user_id: int, keys: Keys, wanted: ConnectionUpdate) -> dict[str, Any]:
    """Change the named fields; an explicit null clears. Raises ConnectionNotFound, InvalidInput."""
    row = access.owned(session, user_id, wanted.id, lock=True)
    said = {name: value for name, value in _said(wanted).items() if name in wanted.model_fields_set}
    said.pop("id")
    _take(row, keys, said)
    if said.keys() & _ADDRESS:
        _check(row)
    if said.keys() & _WHO_ANSWERS:
        repository.forget_list(session, row.id)
        row.models_listed_at = None
    row.updated_at = now()
    session.flush()
    return _present(row, keys)


def delete(session: Session, user_id: int, connection_id: int) -> None:
    """Hide a connection: nothing is asked of it any more. Raises ConnectionNotFound."""
    row = access.owned(session, user_id, connection_id, lock=True)
    repository.set_status(session, user_id, [row.id], "deleted")


def delete_many(session: Session, user_id: int, ids: Sequence[int]) -> dict[str, Any]:
    """Hide those that exist; the report."""
    done = repository.set_status(session, user_id, ids, "deleted")
    return {"deleted": len(done), "missing": _missing(ids, done)}


def set_status(session: Session, user_id: int, ids: Sequence[int], status: str) -> dict[str, Any]:
    """Switch those that exist on or off; the report."""
    done = repository.set_status(session, user_id, ids, status)
    return {"updated": len(done), "missing": _missing(ids, done)}


def tried(session: Session, user_id: int, keys: Keys, wanted: ConnectionTest) -> Connection:
    """The connection that a test means, which is not stored. Raises ConnectionNotFound, InvalidInput."""
    row = Connection(config={})
    if wanted.id is not None:
        stored = access.owned(session, user_id, wanted.id)
        for name in ("api_key", "model_name", "model_url", "provider", "timeout", "config", "max_tokens"):
            setattr(row, name, getattr(stored, name))
    said = wanted.model_dump(exclude={"id", "test_message"}, exclude_unset=True)
    _take(row, keys, said)
    if wanted.id is None or said.keys() & _ADDRESS:
        _check(row)
    return row


def _said(wanted: ConnectionCreate | ConnectionUpdate) -> dict[str, Any]:
    config = {"config": wanted.config.to_storage() if wanted.config else {}}
    return wanted.model_dump(exclude={"config"}) | config


def _take(row: Connection, keys: Keys, said: Mapping[str, Any]) -> None:
    for name, value in said.items():
        if name != "api_key":
            setattr(row, name, value.strip() or None if isinstance(value, str) else value)
        elif value is None or not is_masked(value):
            row.api_key = keys.seal(value) if value else None


def _check(row: Connection) -> None:
    try:
        endpoint_of(row, "")
    except ProviderInvalidAddress as wrong:
        raise InvalidInput(field="body.model_url", reason=wrong.values["reason"]) from wrong


def _missing(ids: Sequence[int], done: Sequence[int]) -> list[int]:
    return [row_id for row_id in dict.fromkeys(ids) if row_id not in set(done)]


def _present(row: Connection, keys: Keys) -> dict[str, Any]:
    if not row.api_key:
        return outgoing.connection(row, None)
    try:
        return outgoing.connection(row, masked(keys.open(row.api_key)))
    except KeyUnreadable:
        return outgoing.connection(row, masked(""))
