"""How a server is, on the wire."""

from typing import Literal

from pydantic import BaseModel, Field


class HealthResponse(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class ReadyResponse(HealthResponse):
    """What the process depends on answers."""

    database: Literal["sqlite", "postgresql"] = Field(description="which kind of database answers")
    redis: Literal["not used", "ok", "degraded"] = Field(
        description="degraded: it does not answer, and all goes on, a little later"
    )
