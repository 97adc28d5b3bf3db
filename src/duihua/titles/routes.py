"""`/chat/utils/generate-title`."""

from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.connections.dependencies import AppCatalogue
from duihua.http.envelope import Answer
from duihua.http.idempotency import Retry, ask_once
from duihua.http.routing import feature_router
from duihua.http.state import Db, ServerConfig
from duihua.messages import service as messages
from duihua.schemas.base import Envelope
from duihua.schemas.title import TitleRequest, TitleResponse
from duihua.titles import service

router = feature_router("/chat/utils", "titles")


@router.post("/generate-title", response_model=Envelope[TitleResponse])
async def generate_title(
    db: Db, user: User, catalogue: AppCatalogue, config: ServerConfig, retry: Retry, wanted: TitleRequest
) -> Response:
    """A title for what a conversation begins with: by the model, or the first sentence. Nothing is stored."""
    messages.check_length(wanted.content or "", config.max_message_chars)
    return Answer(
        await ask_once(db, user.id, retry, lambda: service.generate(db, catalogue, user.id, wanted))
    )
