"""Settings on the wire."""

from functools import cache
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StrictStr

from duihua.schemas.base import WireModel
from duihua.schemas.conversation import GenerationSettings, ModelId


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone such as Asia/Shanghai")
    return name


TimeZone = Annotated[
    StrictStr,
    Field(min_length=1, max_length=64, examples=["Asia/Shanghai"], description="IANA name of the time zone"),
    AfterValidator(_known_zone),
]
Theme = Literal["light", "dark", "system"]
PreferredLanguage = Literal["zh", "en", "auto"]


class SettingsUpdate(WireModel):
    """What changes: an absent field stays, an explicit null is as if it had never been decided."""

    also_known_as: ClassVar[dict[str, str]] = {"tz": "timezone"}

    preferences: dict[str, Any] | None = Field(None, description="whatever a client keeps there, as a whole")
    default_config: GenerationSettings | None = Field(
        None, description="the generation settings of new conversations, beneath those they name themselves"
    )
    auto_save: StrictBool | None = None
    theme: Theme | None = None
    language: PreferredLanguage | None = None
    default_model_id: ModelId | None = Field(None, description="the model of new conversations")
    timezone: TimeZone | None = None


class SettingsResponse(BaseModel):
    """What the user decided, and the defaults of what they did not."""

    preferences: dict[str, Any]
    default_config: dict[str, Any]
    auto_save: bool
    theme: Theme
    language: PreferredLanguage
    default_model_id: str | None
    timezone: str = Field(description="IANA name of the time zone", examples=["Asia/Shanghai"])
