"""The web client, as `web/build.py` left it in the package: hashed assets, and one page for every path."""

import mimetypes
import os
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

BUILT = Path(str(files("duihua.http"))) / "dist"
# Written beside the file by the build; best first.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
# Scripts and style sheets are files of ours; the style of single elements is KaTeX's; a form is an export.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

# Where diagrams are drawn: without an origin or a network. Mermaid writes style sheets into its pictures.
# Browsers ask `frame-ancestors` instead of the X-Frame-Options that every answer has.
_DIAGRAM = "/diagram.html"
_DIAGRAM_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class WebClient:
    """Answers what no route answers: the client's files, and for a browser its page, the 404 included."""

    def __init__(self, folder: Path, otherwise: ASGIApp) -> None:
        self._page = folder / "index.html"
        # Known beforehand: a path can name nothing but these.
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": path
            for parent, _, names in os.walk(folder)
            for path in map(Path(parent).joinpath, names)
        }
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file, the page, or pass on."""
        response = self._answer(scope)
        await (response or self._otherwise)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response | None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            return None
        headers, path = Headers(scope=scope), scope["path"]
        if path.startswith("/assets/"):
            lasting = "public, max-age=31536000, immutable"
            return _file(self._files[path], headers, lasting) if path in self._files else None
        if path in self._files and path != "/index.html":
            file = _file(self._files[path], headers, "no-cache")
            if path == _DIAGRAM:
                file.headers["content-security-policy"] = _DIAGRAM_POLICY
            return file
        # At `/`, there is nothing else that a program could mean.
        if path != "/" and "text/html" not in headers.get("accept", ""):
            return None
        page = _file(self._page, headers, "no-cache")
        page.headers["content-security-policy"] = _POLICY
        return page


def install(app: FastAPI, folder: Path = BUILT) -> bool:
    """Serve the client for whatever no route takes; whether there is one."""
    if not (folder / "index.html").is_file():
        return False
    app.router.default = WebClient(folder, app.router.default)
    return True


def _file(path: Path, headers: Headers, cache: str) -> FileResponse:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    accepted = headers.get("accept-encoding", "")
    sent = {"cache-control": cache, "vary": "accept-encoding"}
    for encoding, suffix in _ENCODINGS:
        packed = path.with_name(path.name + suffix)
        if encoding in accepted and packed.is_file():
            sent["content-encoding"] = encoding
            return FileResponse(packed, media_type=media_type, headers=sent)
    return FileResponse(path, media_type=media_type, headers=sent)
