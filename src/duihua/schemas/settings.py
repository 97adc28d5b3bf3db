"""Settings on the wire."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, StrictBool

from duihua.schemas.base import WireModel
from duihua.schemas.conversation import GenerationSettings, ModelId
from duihua.schemas.time_zone import TimeZone

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
