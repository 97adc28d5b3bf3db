"""The prompt: what the model is shown of a conversation."""

from collections.abc import Mapping, Sequence
from typing import Any

from duihua.db.session import Session
from duihua.generation import repository
from duihua.models import Message
from duihua.providers.base import PromptMessage


def build(session: Session, question: Message, settings: Mapping[str, Any]) -> Sequence[PromptMessage]:
    """The system prompt, then the active branch up to `question`, which is the last message.

    `settings["context_messages"]` limits how many messages before the question are shown. Messages
    that say nothing (a reply that failed at once, or is still being written) are left out.
    """
    earlier = repository.branch_until(session, question, limit=settings.get("context_messages"))
    prompt = [PromptMessage(role, content) for role, content in earlier]
    if settings.get("system_prompt"):
        prompt.insert(0, PromptMessage("system", settings["system_prompt"]))
    return prompt
