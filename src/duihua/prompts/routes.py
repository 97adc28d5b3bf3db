"""`/chat/prompts`."""

from typing import Annotated, get_args

from fastapi import Path, Query
from starlette.responses import Response

from duihua.auth.dependencies import User
from duihua.connections.dependencies import AppCatalogue
from duihua.http.envelope import Answer, RequestLanguage
from duihua.http.idempotency import Retry, ask_once, write_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.prompts import service, trying
from duihua.schemas.base import Envelope, ItemsResponse
from duihua.schemas.prompt import (
    Category,
    PromptBatch,
    PromptBatchDeletion,
    PromptCreate,
    PromptQuery,
    PromptResponse,
    PromptTest,
    PromptTestResponse,
    PromptUpdate,
)

router = feature_router("/chat/prompts", "prompts")
PromptId = Annotated[int, Path(ge=1, le=2**63 - 1)]
# The fixed paths come first: /batch and /tags are no ids.


@router.get("/list", response_model=Envelope[ItemsResponse[PromptResponse]])
async def list_prompts(db: Db, user: User, query: Annotated[PromptQuery, Query()]) -> Response:
    """A page of prompts: by `sort`, newest first."""
    return Answer(await db.read(service.listing, user.id, query))


@router.get("/categories", response_model=Envelope[list[str]])
async def list_categories() -> Response:
    """The categories that there are."""
    return Answer(get_args(Category))


@router.get("/tags", response_model=Envelope[list[str]])
async def list_tags(db: Db, user: User) -> Response:
    """The tags in use, the most used first."""
    return Answer(await db.read(service.tags, user.id))


@router.post("", response_model=Envelope[PromptResponse])
async def create_prompt(db: Db, user: User, retry: Retry, new: PromptCreate) -> Response:
    """Create a prompt."""
    return Answer(await write_once(db, user.id, retry, service.create, new), "created")


@router.put("", response_model=Envelope[PromptResponse])
async def update_prompt(db: Db, user: User, wanted: PromptUpdate) -> Response:
    """Change what is named; an explicit null clears."""
    return Answer(await db.write(service.change, user.id, wanted), "updated")


@router.delete("/batch", response_model=Envelope[PromptBatchDeletion])
async def delete_prompts(db: Db, user: User, batch: PromptBatch) -> Response:
    """Delete several; `missing` lists those that were not there."""
    return Answer(await db.write(service.delete_many, user.id, batch.ids), "deleted")


@router.post("/test", response_model=Envelope[PromptTestResponse])
async def test_prompt(
    db: Db, user: User, catalogue: AppCatalogue, language: RequestLanguage, retry: Retry, wanted: PromptTest
) -> Response:
    """Try a text out on a model, with its variables filled; nothing is stored."""
    return Answer(
        await ask_once(db, user.id, retry, lambda: trying.try_out(db, catalogue, user.id, wanted, language))
    )


@router.get("/{prompt_id}", response_model=Envelope[PromptResponse])
async def get_prompt(db: Db, user: User, prompt_id: PromptId) -> Response:
    """One prompt."""
    return Answer(await db.read(service.one, user.id, prompt_id))


@router.delete("/{prompt_id}", response_model=Envelope[None])
async def delete_prompt(db: Db, user: User, prompt_id: PromptId) -> Response:
    """Delete a prompt; conversations stop using it from their next message on."""
    await db.write(service.delete, user.id, prompt_id)
    return Answer(None, "deleted")


@router.post("/{prompt_id}/copy", response_model=Envelope[PromptResponse])
async def copy_prompt(
    db: Db, user: User, language: RequestLanguage, retry: Retry, prompt_id: PromptId
) -> Response:
    """A copy, whose title says that it is one."""
    return Answer(await write_once(db, user.id, retry, service.copy, prompt_id, language), "created")
