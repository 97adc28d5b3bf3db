"""`/chat/upload` and `/chat/files`."""

from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response, StreamingResponse

from duihua.auth.dependencies import User
from duihua.files import service
from duihua.files.dependencies import AppStorage, AppUploads
from duihua.http import downloads, multipart
from duihua.http.envelope import Answer
from duihua.http.idempotency import RetryHeader
from duihua.http.routing import feature_router
from duihua.http.state import Db, ServerConfig
from duihua.schemas.base import Envelope, Reference
from duihua.schemas.file import FileResponse

router = feature_router("/chat", "files")
FileId = Annotated[Reference, Path()]
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes as they were uploaded; an attachment, unless it is a picture",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/upload", response_model=Envelope[FileResponse], openapi_extra=multipart.BODY)
async def upload_file(
    request: Request, config: ServerConfig, uploads: AppUploads, user: User, retry: RetryHeader
) -> Response:
    """Store a picture (PNG, JPEG, GIF, WebP) or a document (PDF, DOCX, any plain text)."""
    upload = await multipart.receive_file(request, limit=config.max_file_bytes)
    return Answer(await uploads.receive(user.id, upload.name, upload.content, retry), "created")


@router.get("/files/{file_id}", response_model=Envelope[FileResponse])
async def get_file(db: Db, user: User, file_id: FileId) -> Response:
    """What is known of a file."""
    return Answer(await db.read(service.one, user.id, file_id))


@router.get("/files/{file_id}/content", response_class=Response, responses=_CONTENT)
async def get_file_content(
    db: Db,
    storage: AppStorage,
    user: User,
    file_id: FileId,
    download: Annotated[bool, Query(description="as an attachment, pictures too")] = False,
) -> Response:
    """The file itself. Nothing in it is ever run by a browser that opens it."""
    file = await db.read(service.content_of, user.id, file_id)
    headers = {
        **downloads.safe_headers(file.name, file.content_type, download=download),
        "Content-Type": file.content_type,
        "Content-Length": str(file.size),
        "Cache-Control": "private, max-age=3600",
    }
    return StreamingResponse(await storage.open(file.key), headers=headers)


@router.delete("/files/{file_id}", response_model=Envelope[None])
async def delete_file(db: Db, user: User, file_id: FileId) -> Response:
    """Delete a file: messages keep its name, and models are no longer shown it."""
    await db.write(service.delete, user.id, file_id)
    return Answer(None, "deleted")
