"""`/chat/statistics`."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.http.envelope import Answer
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope
from duihua.schemas.statistics import StatisticsQuery, StatisticsResponse
from duihua.statistics import service

router = feature_router("/chat/statistics", "statistics")


@router.get("", response_model=Envelope[StatisticsResponse])
async def statistics(db: Db, user: User, query: Annotated[StatisticsQuery, Query()]) -> Response:
    """How much was said, when, by which model and in which group. What is deleted does not count."""
    return Answer(await db.read(service.statistics, user.id, query))
