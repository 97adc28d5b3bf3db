"""`/chat/export` and `/chat/import`."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response, StreamingResponse

from duihua.auth.dependencies import User
from duihua.core.clock import now
from duihua.core.filenames import extension_of
from duihua.generation.dependencies import ResumeAfter
from duihua.generation.event_stream import HEADERS
from duihua.groups import access as group_access
from duihua.http import forms, multipart
from duihua.http.downloads import disposition
from duihua.http.envelope import Answer, RequestLanguage
from duihua.http.idempotency import Retry, RetryHeader, ask_once
from duihua.http.routing import feature_router
from duihua.http.state import Db
from duihua.schemas.base import Envelope, Reference
from duihua.schemas.transfer import (
    BatchExportRequest,
    EveryExportQuery,
    ExportRequest,
    ImportQuery,
    ImportReport,
    ImportTaskResponse,
)
from duihua.transfer import exporting, importing, reading
from duihua.transfer.dependencies import (
    AppImporter,
    AppReader,
    AppTasks,
    FileFromThread,
    PostedForm,
    ReadFromThread,
    received,
)
from duihua.transfer.exporting import CONTENT_TYPES, Wanted
from duihua.transfer.importing import Incoming
from duihua.transfer.storing import Choice

router = feature_router("/chat", "export and import")

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-Sent Events (docs/export-format.md)",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}

_FORM = forms.body(
    {
        "chat_ids": {"type": "string", "description": "uuids or integer ids, separated by commas"},
        "format": {"type": "string", "enum": list(CONTENT_TYPES), "default": "json"},
        "include_system_messages": {"type": "boolean", "default": True},
        "branches": {"type": "boolean", "description": "default: true with json, else false"},
        "attachments": {"type": "boolean", "default": True},
    },
    required=["chat_ids"],
)


def _file(description: str, *types: str) -> dict[int | str, dict[str, Any]]:
    text: dict[str, Any] = {"type": "string", "format": "binary"}
    content = {kind: {"schema": {"type": "object"} if kind == "application/json" else text} for kind in types}
    return {200: {"description": description, "content": content}}


@router.post(
    "/export",
    response_class=Response,
    responses=_file("The conversation, as an attachment", *CONTENT_TYPES.values()),
)
async def export_conversation(
    read: ReadFromThread, user: User, reader: AppReader, files: FileFromThread, request: ExportRequest
) -> Response:
    """One conversation as a file: json, Markdown, text or HTML; with every version, or its shown branch."""
    wanted = Wanted.of(request, reader, files)
    file = await asyncio.to_thread(exporting.one, read, user.id, request.chat_id, wanted)
    return StreamingResponse(file.pieces, headers=_headers(_dated(file.name), CONTENT_TYPES[request.format]))


@router.post(
    "/export/batch",
    response_class=Response,
    responses=_file("A zip, one file a conversation", "application/zip"),
)
async def export_conversations(
    db: Db,
    read: ReadFromThread,
    user: User,
    reader: AppReader,
    files: FileFromThread,
    request: BatchExportRequest,
) -> Response:
    """Several conversations, or all, as a zip that is written while it is sent."""
    if request.all:
        references = await db.read(reading.every, user.id)
    else:
        references = await db.read(reading.chosen, user.id, request.chat_ids)
    wanted = Wanted.of(request, reader, files)
    return _zip(read, user.id, references, wanted)


@router.post(
    "/export/chosen",
    response_class=Response,
    responses=_file("A zip, one file a conversation", "application/zip"),
    openapi_extra=_FORM,
)
async def export_chosen(
    db: Db, read: ReadFromThread, user: User, reader: AppReader, files: FileFromThread, form: PostedForm
) -> Response:
    """Several conversations as a zip, for a form: a browser writes it to the disk as it comes."""
    wanted = Wanted.of(form, reader, files)
    return _zip(read, user.id, await db.read(reading.chosen, user.id, form.chat_ids), wanted)


@router.get(
    "/export/all",
    response_class=Response,
    responses=_file("A zip, one file a conversation", "application/zip"),
)
async def export_everything(
    db: Db,
    read: ReadFromThread,
    user: User,
    reader: AppReader,
    files: FileFromThread,
    query: Annotated[EveryExportQuery, Query()],
) -> Response:
    """Every conversation as a zip, for a link: a browser writes it to the disk as it comes."""
    wanted = Wanted.of(query, reader, files)
    return _zip(read, user.id, await db.read(reading.every, user.id), wanted)


@router.post(
    "/import",
    response_model=Envelope[ImportReport],
    responses={202: {"model": Envelope[ImportTaskResponse], "description": "With `async`: it has begun"}},
    openapi_extra=multipart.BODY,
)
async def import_conversations(
    request: Request,
    db: Db,
    importer: AppImporter,
    tasks: AppTasks,
    key: RetryHeader,
    query: Annotated[ImportQuery, Query()],
) -> Response:
    """Import json, jsonl or zip of ours, or what ChatGPT, Claude, DeepSeek, LibreChat or Open WebUI export.

    What is there already stays: importing again adds nothing, unless `duplicates` says so.
    """
    if query.group_id is not None:
        await db.read(group_access.owned, importer.user_id, query.group_id)
    async with AsyncExitStack() as stack:
        file = await stack.enter_async_context(received(request))
        retry = importing.retry_key(key, file.sha256, query)
        choice = Choice(query.group_id, query.duplicates, query.dry_run)
        if query.in_background:
            incoming = Incoming(file.path, stack.pop_all())
            task_id = await tasks.start(importer, choice, incoming, retry)
            return Answer({"task_id": task_id}, "import_started", status=202, headers={"x-task-id": task_id})
        report = await tasks.once(file.path, importer, choice, retry)
    return Answer(report, "import_foreseen" if query.dry_run else "imported")


@router.get("/import/{task_id}", response_class=StreamingResponse, status_code=200, responses=_STREAM)
async def follow_import(
    tasks: AppTasks,
    user: User,
    language: RequestLanguage,
    task_id: Annotated[Reference, Path(description="of the import's answer")],
    after: ResumeAfter,
) -> Response:
    """Follow an import, running or ended: how far it is, then its report; or on from `Last-Event-ID`."""
    await tasks.check(user.id, task_id)
    frames = tasks.follow(user.id, task_id, after, language)
    return StreamingResponse(frames, headers=HEADERS | {"x-task-id": task_id})


@router.post("/import/{task_id}/cancel", response_model=Envelope[ImportTaskResponse])
async def cancel_import(
    db: Db,
    tasks: AppTasks,
    user: User,
    retry: Retry,
    task_id: Annotated[Reference, Path(description="of the import's answer")],
) -> Response:
    """Let an import end after its present conversation; what was imported stays, and its end is told."""

    async def work() -> dict[str, bool]:
        return {"is_running": await tasks.cancel(user.id, task_id)}

    cancelled = await ask_once(db, user.id, retry, work)
    return Answer({"task_id": task_id}, "import_stopping" if cancelled["is_running"] else "import_ended")


def _zip(read: Callable[..., Any], user_id: int, references: list[str], wanted: Wanted) -> Response:
    pieces = exporting.zipped(read, user_id, references, wanted)
    return StreamingResponse(pieces, headers=_headers(_dated("duihua.zip"), "application/zip"))


def _dated(name: str) -> str:
    """`name` with today's date: of several exports it tells which is which."""
    extension = extension_of(name)
    return f"{name[: len(name) - len(extension)]}-{now():%Y-%m-%d}{extension}"


def _headers(name: str, content_type: str) -> dict[str, str]:
    return {
        "Content-Disposition": disposition(name),
        "Content-Type": content_type,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
