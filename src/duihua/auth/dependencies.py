"""The user of a request. Authorisation hangs on routes as this dependency and never reads the URL."""

from typing import Annotated, NamedTuple

from fastapi import Depends

from duihua.models.user import LOCAL_USER_ID


class CurrentUser(NamedTuple):
    """Who asks; every query of a private row carries `id`."""

    id: int


async def _current_user() -> CurrentUser:
    # Without accounts every request is the local user's.
    return CurrentUser(LOCAL_USER_ID)


User = Annotated[CurrentUser, Depends(_current_user)]
