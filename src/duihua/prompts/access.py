"""The one way to a prompt: through its owner."""

from duihua.core.errors import NotFound
from duihua.db.session import Session
from duihua.models import Prompt
from duihua.prompts import repository


class PromptNotFound(NotFound):
    """No such prompt of this user."""

    code = "prompt_not_found"


def owned(session: Session, user_id: int, prompt_id: int, *, lock: bool = False) -> Prompt:
    """The user's prompt; `lock` where it is about to change. Raises PromptNotFound."""
    prompt = repository.find(session, user_id, prompt_id, lock=lock)
    if prompt is None:
        raise PromptNotFound
    return prompt
