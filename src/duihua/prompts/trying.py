"""Trying a prompt out on a model; nothing is stored."""

from typing import Any

from duihua.connections.asking import ask
from duihua.connections.catalogue import Catalogue
from duihua.connections.offering import timed
from duihua.core.i18n import Language
from duihua.db.session import Database
from duihua.prompts.filling import fill, missing
from duihua.providers.base import PromptMessage
from duihua.schemas.prompt import PromptTest

_SECONDS = 60.0


async def try_out(
    db: Database, catalogue: Catalogue, user_id: int, wanted: PromptTest, language: Language
) -> dict[str, Any]:
    """Ask a model by this prompt; a `PromptTestResponse`. Raises PromptTooLong."""
    content = fill(wanted.content, wanted.variables)
    messages = [PromptMessage("user", content)]
    if wanted.test_input:
        messages = [PromptMessage("system", content), PromptMessage("user", wanted.test_input)]
    asking = ask(db, catalogue, user_id, messages, model_id=wanted.model_id, seconds=_SECONDS)
    told = await timed(asking, language, wanted.model_id)
    return {
        "success": told["success"],
        "message": told["message"],
        "error": told["error"],
        "result": told["reply"],
        "content": content,
        "missing": missing(wanted.content, wanted.variables),
        "model_id": told["model_id"],
        "response_time": told["response_time"],
    }
