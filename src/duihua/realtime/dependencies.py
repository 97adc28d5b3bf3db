"""The bus, as a dependency of routes."""

from typing import Annotated, cast

from fastapi import Depends, Request

from duihua.realtime.bus import Bus


async def _bus(request: Request) -> Bus:
    return cast(Bus, request.app.state.bus)


AppBus = Annotated[Bus, Depends(_bus)]
