"""Statistics on the wire."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from duihua.schemas.base import QueryModel, RowId
from duihua.schemas.time_zone import TimeZone

# Time zones are whole quarter-hours off since 1972.
Day = Annotated[date, Field(ge=date(1972, 1, 1), le=date(9998, 12, 31))]
TimeRange = Literal["day", "week", "month", "year", "all"]


class TimeQuery(QueryModel):
    """Which time, and whose days."""

    time_range: TimeRange = Field(
        "week",
        description="today by the hour; the last 7 or 30 days; the last 12 months; everything by month",
        examples=["month"],
    )
    tz: TimeZone | None = Field(
        None,
        description="IANA name of the time zone; default: that of the settings",
        examples=["Asia/Shanghai"],
    )
    start_date: Day | None = Field(
        None,
        description="the first of the days that are meant instead of `time_range`; default: the last",
        examples=["2026-03-01"],
    )
    end_date: Day | None = Field(
        None,
        description="the last of them, which is meant too; default: today",
        examples=["2026-03-31"],
    )

    @model_validator(mode="after")
    def _from_one_day_to_another(self) -> Self:
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise ValueError("start_date is after end_date")
        return self


class StatisticsQuery(TimeQuery):
    """Which time, and of what."""

    by: Literal["hour", "day", "month"] | None = Field(
        None,
        description="what `trend` is cut into instead; up to a week also has hours, up to a year days",
        examples=["day"],
    )
    group_id: RowId | None = Field(None, description="only this group's conversations", examples=[1])


class ModelUsageQuery(TimeQuery):
    """Which time, and of which model."""

    model_id: str | None = Field(
        None, max_length=255, description="only this model", examples=["gpt-4o-mini"]
    )


class StatisticsOverview(BaseModel):
    """The sums of the whole time; what is deleted does not count."""

    conversation_count: int = Field(description="conversations begun in this time", examples=[12])
    message_count: int = Field(description="messages written in this time, of all versions", examples=[240])
    user_message_count: int = Field(description="of these, a person's", examples=[120])
    assistant_message_count: int = Field(description="of these, a model's", examples=[120])
    token_count: int = Field(description="tokens of these messages", examples=[48_000])
    character_count: int = Field(description="characters of these messages", examples=[96_000])


class StatisticsPoint(BaseModel):
    """One hour, day or month; those in which nothing happened are there too."""

    date: str = Field(
        description="`2026-01-31T08:00+08:00` for an hour, `2026-01-31` for a day, `2026-01` for a month",
        examples=["2026-01-31"],
    )
    conversations: int = Field(description="begun then", examples=[2])
    messages: int = Field(description="written then", examples=[40])
    tokens: int = Field(description="of these messages", examples=[8000])


class StatisticsModel(BaseModel):
    """What one model wrote."""

    model_id: str = Field(description="the model", examples=["gpt-4o-mini"])
    messages: int = Field(description="its replies", examples=[120])
    tokens: int = Field(description="tokens of its replies", examples=[40_000])


class StatisticsGroup(BaseModel):
    """What was said in one group."""

    group_id: int = Field(description="the group", examples=[1])
    name: str = Field(description="its name", examples=["默认分组"])
    conversations: int = Field(description="begun in this time", examples=[12])
    messages: int = Field(description="written in this time", examples=[240])
    tokens: int = Field(description="of these messages", examples=[48_000])


class StatisticsResponse(BaseModel):
    """How much was said, when, by whom and where."""

    overview: StatisticsOverview = Field(description="the sums")
    trend: list[StatisticsPoint] = Field(description="by the hour, the day or the month, oldest first")
    models: list[StatisticsModel] = Field(description="by model, the busiest first")
    groups: list[StatisticsGroup] = Field(description="by group, the busiest first")


class Usage(BaseModel):
    """How often a model was asked for a reply, and how well it did; seconds and tokens."""

    requests: int = Field(description="replies that were begun in this time", examples=[120])
    errors: int = Field(description="of these, the ones that failed", examples=[2])
    prompt_tokens: int = Field(description="as far as the provider counted them", examples=[80_000])
    completion_tokens: int = Field(description="as far as the provider counted them", examples=[40_000])
    average_latency: float | None = Field(
        description="from the question to the end of the reply, of complete ones", examples=[6.2]
    )
    average_first_token: float | None = Field(
        description="from the question to the first token, thoughts included", examples=[0.6]
    )
    average_tokens_per_second: float | None = Field(
        description="while writing: completion tokens over the time from first token to end", examples=[48.5]
    )
    last_used_at: str | None = Field(
        description="when it was asked last", examples=["2026-01-31T08:00:00.000000+00:00"]
    )


class ModelUsage(Usage):
    """What one model did."""

    model_id: str = Field(description="the model, as it was asked for", examples=["gpt-4o-mini"])


class ConnectionUsage(Usage):
    """What one connection did; all zero where nothing was asked of it."""

    api_key_id: int = Field(description="the connection", examples=[1])
    provider: str | None = Field(description="its provider", examples=["deepseek"])
    model_name: str | None = Field(description="its default model", examples=["deepseek-chat"])
