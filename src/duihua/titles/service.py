"""Titles on request; nothing is stored."""

from typing import Any

from duihua.connections.catalogue import Answering, Catalogue
from duihua.conversations import access
from duihua.conversations.service import DEFAULT_TITLE
from duihua.db.session import Database, Session
from duihua.messages import service as messages
from duihua.schemas.title import TitleRequest
from duihua.titles.asking import by_model
from duihua.titles.extract import extracted

SECONDS = 5.0


async def generate(db: Database, catalogue: Catalogue, user_id: int, wanted: TitleRequest) -> dict[str, Any]:
    """A `TitleResponse`: the model's title, else the text's first sentence. Raises ConversationNotFound."""
    await catalogue.registry.listed()
    text, answering = await db.read(_asked, catalogue, user_id, wanted)
    title = None
    if text and not answering.is_offline:
        title = await by_model(answering, text, wanted.max_length, SECONDS)
    return {"title": title or extracted(text, wanted.max_length) or DEFAULT_TITLE[: wanted.max_length]}


def _asked(
    session: Session, catalogue: Catalogue, user_id: int, wanted: TitleRequest
) -> tuple[str, Answering]:
    if wanted.chat_id is None:
        return wanted.content or "", catalogue.resolve(session, user_id)
    chat = access.owned(session, user_id, wanted.chat_id)
    text = wanted.content or messages.first_question(session, chat)
    return text, catalogue.resolve(session, user_id, chat.model_id, chat.api_key_id)
