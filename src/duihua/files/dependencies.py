"""Where files go and where they are, as dependencies of routes."""

from typing import Annotated, cast

from fastapi import Depends, Request

from duihua.files.removing import Removals
from duihua.files.storage import Storage
from duihua.files.uploading import Uploads


async def _uploads(request: Request) -> Uploads:
    return cast(Uploads, request.app.state.uploads)


async def _storage(request: Request) -> Storage:
    return cast(Storage, request.app.state.storage)


async def _removals(request: Request) -> Removals:
    return cast(Removals, request.app.state.removals)


AppRemovals = Annotated[Removals, Depends(_removals)]
AppUploads = Annotated[Uploads, Depends(_uploads)]
AppStorage = Annotated[Storage, Depends(_storage)]
