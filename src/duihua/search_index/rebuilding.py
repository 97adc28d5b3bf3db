"""The whole index: made at once where nobody waits, or compared with the truth and corrected part by part."""

from collections.abc import Callable
from typing import NamedTuple

from duihua.db.copying import Derived
from duihua.db.session import Database, Session
from duihua.search_index import audit_repository, repository
from duihua.search_index.tokens import TOKENS_VERSION

KINDS = {"messages": repository.MESSAGES, "conversations": repository.CONVERSATIONS}


class Finding(NamedTuple):
    """What was found of one kind of documents, all of which are right now.

    Attributes:
        seen: Messages or conversations that there are, hidden ones too.
        corrected: Of these, how many had another document than they should.
        reason: Why the index was made anew before; empty where it was not.
    """

    seen: int
    corrected: int
    reason: str


def index_all(session: Session) -> None:
    """Index every message and conversation in this one transaction."""
    for kind in KINDS.values():
        last: int | None = 0
        while last is not None:
            last, _, _ = repository.refresh_after(session, kind, last)


# What `duihua copy` makes anew in its target.
DERIVED = Derived(("message_documents", "conversation_documents", "search_index"), index_all)


def is_outdated(session: Session) -> bool:
    """Whether the index was made by other rules, or a doctor was interrupted."""
    return any(audit_repository.version(session, kind) != TOKENS_VERSION for kind in KINDS)


async def heal(database: Database, kind: str, progress: Callable[[int], None]) -> Finding:
    """Make the documents of one kind what they should be, in transactions of a few milliseconds each.

    The server may go on meanwhile. Where the tokens do not belong to the documents, all of them are made
    anew, the oldest first, and until then search does not find all.
    """
    documents = KINDS[kind]
    reason = await database.read(_reason, kind)
    if reason:
        await database.write(audit_repository.clear, kind, documents)
    last: int | None = 0
    seen = corrected = 0
    while last is not None:
        last, number, wrong = await database.write(repository.refresh_after, documents, last)
        seen, corrected = seen + number, corrected + wrong
        progress(number)
    await database.write(audit_repository.set_version, kind, TOKENS_VERSION)
    return Finding(seen, 0 if reason else corrected, reason)


def _reason(session: Session, kind: str) -> str:
    if audit_repository.version(session, kind) != TOKENS_VERSION:
        return "it was made by other rules"
    if audit_repository.has_orphans(session, KINDS[kind]):
        return "it had what is no longer there"
    if not audit_repository.agrees(session, KINDS[kind]):
        return "its tokens were not those of its texts"
    return ""
