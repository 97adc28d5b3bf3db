"""Who answers, as a dependency of routes."""

from typing import Annotated, cast

from fastapi import Depends, Request

from duihua.connections.catalogue import Catalogue


async def _catalogue(request: Request) -> Catalogue:
    return cast(Catalogue, request.app.state.catalogue)


AppCatalogue = Annotated[Catalogue, Depends(_catalogue)]
