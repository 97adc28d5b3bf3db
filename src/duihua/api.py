"""The HTTP API on one screen."""

from fastapi import APIRouter
from starlette.routing import BaseRoute

from duihua.connections.routes import models
from duihua.connections.routes import router as connections
from duihua.conversations.routes import router as conversations
from duihua.files.routes import router as files
from duihua.generation.routes import router as generation
from duihua.groups.routes import router as groups
from duihua.live.routes import router as live
from duihua.messages.routes import router as messages
from duihua.prompts.routes import router as prompts
from duihua.search.routes import router as search
from duihua.settings.routes import router as settings
from duihua.sharing.routes import router as sharing
from duihua.statistics.routes import connections as connection_usage
from duihua.statistics.routes import models as model_usage
from duihua.statistics.routes import router as statistics
from duihua.titles.routes import router as titles
from duihua.transfer.routes import router as transfer
from duihua.trash.routes import router as trash

FEATURES: tuple[APIRouter, ...] = (
    # Looked through in this order, and of these the first is in a hurry.
    *(generation, live, groups, conversations, messages, titles, prompts, files),
    # Before the connections: their /{connection_id} is no fixed path.
    *(search, statistics, connection_usage, model_usage),
    *(sharing, trash, transfer, settings, connections, models),
)
# The API is served at both; the second is what front-ends behind a proxy ask for.
PREFIXES = ("", "/api")


def _everything() -> list[BaseRoute]:
    api = APIRouter()
    for prefix in PREFIXES:
        for router in FEATURES:
            api.include_router(router, prefix=prefix, include_in_schema=not prefix)
    return api.routes


# FastAPI works out a route when it is first asked for, and keeps it there: the next application has it ready.
ROUTES = _everything()
