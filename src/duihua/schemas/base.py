"""What every wire shape shares: two spellings in, one out; references; moments; the envelope."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from duihua.core.ids import REFERENCE_PATTERN
from duihua.core.text import is_blank

T = TypeVar("T")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_LARGEST_ID = 2**63 - 1


def to_snake(name: str) -> str:
    """`targetGroupId` -> `target_group_id`; a name without humps is left as it is."""
    return _HUMP.sub(lambda match: "_" + match[1].lower(), name)


class WireModel(BaseModel):
    """A request body. Every field may come in camelCase or snake_case; both, and different, is an error."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)
    # Other names that existing clients use, name -> field.
    also_known_as: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        folded: dict[str, Any] = {}
        for name, value in data.items():
            field = cls.also_known_as.get(name) or to_snake(name)
            known = field if field in cls.model_fields else name
            if known in folded and folded[known] != value:
                raise ValueError(f"{known} is given twice with different values")
            folded[known] = value
        return folded


class QueryModel(BaseModel):
    """A query string; its camelCase names were folded by the middleware. An empty value counts as absent."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {name: value for name, value in data.items() if value != ""}
        return data


def not_blank(value: str | None) -> str | None:
    """A validator: some character that a person can see. Absent texts pass."""
    if value is not None and is_blank(value):
        raise ValueError("must not be blank")
    return value


def _reference(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.lower() if isinstance(value, str) else value


def _row_id(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError("must be an integer")
    return value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


# JSON's true and false are no numbers, whatever Python thinks of them.
Integer = Annotated[int, BeforeValidator(_no_bool, json_schema_input_type=int)]
Number = Annotated[float, BeforeValidator(_no_bool, json_schema_input_type=float)]


# `json_schema_input_type` alone documents what a client may send: constraints go inside it, not beside it.
Reference = Annotated[
    str,
    Field(pattern=REFERENCE_PATTERN),
    BeforeValidator(
        _reference,
        json_schema_input_type=Annotated[str, Field(pattern=REFERENCE_PATTERN)] | Annotated[int, Field(ge=0)],
    ),
    Field(description="uuid, or the integer id", examples=["0199f3a0-6f0c-7c1e-9a57-3f6d1c0b2a11"]),
]
RowId = Annotated[
    int,
    Field(ge=1, le=_LARGEST_ID),
    BeforeValidator(
        _row_id,
        json_schema_input_type=Annotated[int, Field(ge=1, le=_LARGEST_ID)]
        | Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")],
    ),
]


def _parse_moment(value: Any) -> Any:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError("must be a date, a date with a time, ISO 8601, or Unix seconds or milliseconds")
    text = str(value).strip()
    try:
        if re.fullmatch(r"-?\d{1,16}(\.\d+)?", text):
            number = float(text)
            # No moment of this product lies beyond the year 5000 in seconds: larger numbers are milliseconds.
            return datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, UTC)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("is no date or time this server reads") from None


def _day_start(value: Any) -> Any:
    parsed = _parse_moment(value)
    return parsed if isinstance(parsed, datetime) else datetime.combine(parsed, time.min, UTC)


def _day_end(value: Any) -> Any:
    parsed = _parse_moment(value)
    if isinstance(parsed, datetime):
        return parsed
    return datetime.combine(parsed, time.min, UTC) + timedelta(days=1, microseconds=-1)


def _storable(moment: datetime) -> datetime:
    if not 1900 <= moment.year <= 9998:
        raise ValueError("must lie between the years 1900 and 9998")
    return moment


# A date means the whole day, both ends included.
BeginTime = Annotated[
    datetime, BeforeValidator(_day_start, json_schema_input_type=str), AfterValidator(_storable)
]
EndTime = Annotated[
    datetime, BeforeValidator(_day_end, json_schema_input_type=str), AfterValidator(_storable)
]


class PageQuery(QueryModel):
    """Which page: by number, or from a cursor."""

    page_num: int = Field(1, ge=1, le=10_000_000)
    page_size: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1000, description="`next_cursor` of an earlier page")


class PeriodQuery(PageQuery):
    """A page of what lies between two moments, both included."""

    begin_time: BeginTime | None = None
    end_time: EndTime | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begin_time and self.end_time and self.begin_time > self.end_time:
            raise ValueError("begin_time is after end_time")
        return self


class Envelope(BaseModel, Generic[T]):
    """What every JSON answer is wrapped in."""

    code: int = Field(examples=[200], description="equals the HTTP status")
    message: str = Field(examples=["成功"])
    msg: str = Field(examples=["成功"], description="the same as `message`")
    data: T


class FieldError(BaseModel):
    """One thing wrong with a request."""

    loc: list[str | int]
    msg: str
    type: str


class ErrorEnvelope(BaseModel):
    """What every error answers."""

    code: int = Field(examples=[404], description="equals the HTTP status")
    message: str
    msg: str
    data: None = None
    error: str = Field(examples=["conversation_not_found"], description="stable, for machines")
    request_id: str
    detail: list[FieldError] | None = Field(None, description="with 422: one item a bad field")


class PageResponse(BaseModel, Generic[T]):
    """One page of a list."""

    list: list[T]
    total: int
    pageNum: int  # noqa: N815 - the wire's own spelling
    pageSize: int  # noqa: N815 - the wire's own spelling
    next_cursor: str | None


class ItemsResponse(BaseModel, Generic[T]):
    """One page of a list whose array is called `items`."""

    items: list[T]
    total: int
    pageNum: int  # noqa: N815 - the wire's own spelling
    pageSize: int  # noqa: N815 - the wire's own spelling
    next_cursor: str | None
