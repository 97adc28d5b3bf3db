"""What a model is shown of files: the text of documents, and pictures, the newest first, within limits."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from duihua.db.session import Session
from duihua.files import access, repository
from duihua.files.storage import Storage
from duihua.models import File
from duihua.providers.base import Attachment
from duihua.schemas import outgoing

# Of all pictures of one prompt: they are sent anew with each question, a third larger.
_MOST_PICTURE_BYTES = 20 * 2**20


class Showing(NamedTuple):
    """Where pictures are read from, how many characters of documents one prompt may hold, who sees."""

    storage: Storage
    most_chars: int
    sees: Callable[[], bool] = lambda: True


def attach(session: Session, user_id: int, references: Sequence[str]) -> list[dict[str, Any]]:
    """What a message keeps of its files, each once. Raises FileNotFound."""
    rows = {row.id: row for row in (access.owned(session, user_id, reference) for reference in references)}
    return [outgoing.attached_file(row) for row in rows.values()]


def attachments(
    session: Session, user_id: int, kept: Sequence[Any], showing: Showing
) -> list[tuple[Attachment, ...]]:
    """For each message, oldest first, what is shown of the files that it keeps; deleted ones are left out."""
    listed = [_uuids(files) for files in kept]
    rows = repository.by_uuid(session, user_id, {uuid for uuids in listed for uuid in uuids})
    room = _Room(session, showing)
    shown = [tuple(room.take(rows[uuid]) for uuid in uuids if uuid in rows) for uuids in reversed(listed)]
    return shown[::-1]


class _Room:
    """What is left of the limits."""

    def __init__(self, session: Session, showing: Showing) -> None:
        self._session, self._storage, self._sees = session, showing.storage, showing.sees
        self._chars, self._bytes = showing.most_chars, _MOST_PICTURE_BYTES

    def take(self, row: File) -> Attachment:
        if row.character_count is None:
            return self._picture(row)
        text = (repository.text_of(self._session, row.id) or "")[: self._chars] if self._chars else ""
        self._chars -= len(text)
        is_cut = row.is_cut or len(text) < row.character_count
        return Attachment(row.name, row.content_type, text=text, is_cut=is_cut)

    def _picture(self, row: File) -> Attachment:
        if row.size > self._bytes or not self._sees():
            return Attachment(row.name, row.content_type)
        self._bytes -= row.size
        return Attachment(row.name, row.content_type, read=partial(_whole, self._storage, row.uuid))


async def _whole(storage: Storage, key: str) -> bytes:
    return b"".join([piece async for piece in await storage.open(key)])


def _uuids(files: Any) -> list[str]:
    """Rows of older deployments and of imports may hold any JSON."""
    named = [file.get("id") for file in files or () if isinstance(file, dict)]
    return [uuid for uuid in named if isinstance(uuid, str)]
