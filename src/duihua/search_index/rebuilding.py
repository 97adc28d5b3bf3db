"""The whole index, part by part."""

from duihua.db.copying import Derived
from duihua.db.session import Session
from duihua.search_index import repository


def index_all(session: Session) -> None:
    """Index every message and conversation in this one transaction."""
    for after in repository.portions(session, repository.MESSAGES):
        repository.refresh_messages(session, after)
    for after in repository.portions(session, repository.CONVERSATIONS):
        repository.refresh_conversations(session, after)


# What `duihua copy` makes anew in its target.
DERIVED = Derived(("message_documents", "conversation_documents", "search_index"), index_all)
