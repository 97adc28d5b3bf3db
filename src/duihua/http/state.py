"""What the running application holds, as dependencies of routes."""

from typing import Annotated, cast

from fastapi import Depends, Request

from duihua.core.config import Config
from duihua.db.session import Database


async def _database(request: Request) -> Database:
    return cast(Database, request.app.state.database)


async def _config(request: Request) -> Config:
    return cast(Config, request.app.state.config)


async def _bus_state(request: Request) -> str:
    return cast(str, request.app.state.bus.state)


Db = Annotated[Database, Depends(_database)]
ServerConfig = Annotated[Config, Depends(_config)]
# `local`, `ok` or `degraded` (`realtime.bus`).
BusState = Annotated[str, Depends(_bus_state)]
