"""The index of search: told of every change by `duihua.changes`, current at the same commit.

What is told is gathered and written at the end of its unit of work, once for each message however often it
was named; but what is about to be purged loses its documents at once, while its rows are there.
"""

from collections.abc import Sequence

from duihua.db.session import Session, at_the_end
from duihua.models import Message
from duihua.search_index import repository

_TOLD = "search_index"
_CREATED = "search_index_created"


def messages_changed(session: Session, ids: Sequence[int], *, purged: bool) -> None:
    """These messages were written, hidden or shown; or are about to be removed."""
    if purged:
        repository.refresh_messages(session, ids, gone=True)
    else:
        _note(session, "messages", ids)


def message_created(session: Session, message: Message) -> None:
    """A message was written just now, into a conversation that is seen."""
    session.info.setdefault(_CREATED, []).append(repository.document_of(message))
    at_the_end(
        session, _CREATED, lambda session: repository.add_messages(session, session.info.pop(_CREATED))
    )


def conversations_changed(session: Session, ids: Sequence[int], *, purged: bool, with_messages: bool) -> None:
    """These conversations were written, or `with_messages` hidden, shown or purged."""
    if purged:
        repository.refresh_conversations(session, ids, gone=True)
        repository.refresh_messages_of(session, ids, gone=True)
    else:
        _note(session, "conversations", ids)
        _note(session, "messages_of", ids if with_messages else ())


def _note(session: Session, what: str, ids: Sequence[int]) -> None:
    told: dict[str, dict[int, None]] = session.info.setdefault(_TOLD, {})
    told.setdefault(what, {}).update(dict.fromkeys(ids))
    at_the_end(session, _TOLD, _write)


def _write(session: Session) -> None:
    told = session.info.pop(_TOLD)
    repository.refresh_conversations(session, list(told.get("conversations", ())))
    repository.refresh_messages_of(session, list(told.get("messages_of", ())))
    repository.refresh_messages(session, list(told.get("messages", ())))
