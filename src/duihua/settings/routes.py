"""`/chat/settings`."""

from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.http.envelope import Answer
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope
from duihua.schemas.settings import SettingsResponse, SettingsUpdate
from duihua.settings import service

router = feature_router("/chat/settings", "settings")


@router.get("", response_model=Envelope[SettingsResponse])
async def get_settings(db: Db, user: User) -> Response:
    """What the user decided."""
    return Answer(await db.read(service.all_of, user.id))


@router.put("", response_model=Envelope[SettingsResponse])
async def update_settings(db: Db, user: User, wanted: SettingsUpdate) -> Response:
    """Change what is named; an explicit null goes back to the default."""
    return Answer(await db.write(service.change, user.id, wanted), "updated")
