"""`/chat/statistics`, and how models and connections did."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.http.envelope import Answer
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope
from duihua.schemas.statistics import (
    ConnectionUsage,
    ModelUsage,
    ModelUsageQuery,
    StatisticsQuery,
    StatisticsResponse,
    TimeQuery,
)
from duihua.statistics import service

router = feature_router("/chat/statistics", "statistics")
connections = feature_router("/chat/api-keys", "model connections")
models = feature_router("/chat/models", "models")


@router.get("", response_model=Envelope[StatisticsResponse])
async def statistics(db: Db, user: User, query: Annotated[StatisticsQuery, Query()]) -> Response:
    """How much was said, when, by which model and in which group. What is deleted does not count."""
    return Answer(await db.read(service.statistics, user.id, query))


@models.get("/stats", response_model=Envelope[list[ModelUsage]])
async def model_usage(db: Db, user: User, query: Annotated[ModelUsageQuery, Query()]) -> Response:
    """How often each model was asked for a reply, how fast it was, and how often it failed; busiest first."""
    return Answer(await db.read(service.of_models, user.id, query))


@connections.get("/stats", response_model=Envelope[list[ConnectionUsage]])
async def connection_usage(db: Db, user: User, query: Annotated[TimeQuery, Query()]) -> Response:
    """The same of each stored connection, the oldest first."""
    return Answer(await db.read(service.of_connections, user.id, query))
