"""The prompt: what the model is shown of a conversation."""

from collections.abc import Mapping, Sequence
from typing import Any

from duihua.core.i18n import Language
from duihua.db.session import Session
from duihua.files.showing import Showing, attachments
from duihua.generation import repository
from duihua.models import Conversation, Message
from duihua.prompts import service as prompts
from duihua.providers.base import PromptMessage

_GO_ON: dict[Language, str] = {
    "zh": "你的回复中断了。请从中断处紧接着往下写，不要重复已写的内容，不要加任何说明。",
    "en": "Your reply was cut off. Go on exactly where it ends: repeat nothing of it, and add no remark.",
}


def build(
    session: Session,
    conversation: Conversation,
    question: Message,
    settings: Mapping[str, Any],
    showing: Showing | None = None,
) -> Sequence[PromptMessage]:
    """The system message, then the active branch up to `question`, which is the last message.

    `settings["context_messages"]` limits how many messages before the question are shown. Messages
    that say nothing (a reply that failed at once, or is still being written) are left out. Files are
    shown as far as `showing` allows; without it none are.

    Raises:
        PromptTooLong.
    """
    earlier = repository.branch_until(session, question, limit=settings.get("context_messages"))
    roles, contents, kept = zip(*earlier, strict=True)
    files = attachments(session, conversation.user_id, kept, showing) if showing else [()] * len(kept)
    *before, asked = [PromptMessage(*each) for each in zip(roles, contents, files, strict=True)]
    prompt = [*(message for message in before if message.content or message.attachments), asked]
    system = _system_text(session, conversation, settings)
    return [PromptMessage("system", system), *prompt] if system else prompt


def to_continue(prompt: Sequence[PromptMessage], begun: str, language: Language) -> Sequence[PromptMessage]:
    """The prompt for more of a reply of which there is `begun`.

    Asked for in words, which every model understands: what some servers have for it (DeepSeek's `prefix`,
    Qwen's `partial`, vLLM's `continue_final_message`) others refuse.
    """
    return [*prompt, PromptMessage("assistant", begun), PromptMessage("user", _GO_ON[language])]


def _system_text(session: Session, conversation: Conversation, settings: Mapping[str, Any]) -> str:
    """The conversation's prompt, then `system_prompt`: what is nearer to the question comes later.

    One message of both, because many models take only one, and only at the beginning.
    """
    texts = [settings.get("system_prompt")]
    if conversation.prompt_id is not None:
        values = settings.get("prompt_variables") or {}
        texts.insert(0, prompts.system_text(session, conversation.user_id, conversation.prompt_id, values))
    return "\n\n".join(text for text in texts if text)
