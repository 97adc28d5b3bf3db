"""Pages for people: the web client, or `/` where it was not built; `/docs` with assets of our own."""

from html import escape
from importlib.resources import files

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from duihua.http import web_client

router = APIRouter(include_in_schema=False)
_ASSETS, _DOCUMENT = "/docs-assets", "/openapi.json"


async def landing(request: Request) -> HTMLResponse:
    """What this is, and where the API is described."""
    page = files("duihua.http").joinpath("landing.html").read_text("utf-8")
    return HTMLResponse(page.replace("{origin}", escape(str(request.base_url).rstrip("/"))))


@router.get("/docs", response_class=HTMLResponse)
async def docs() -> HTMLResponse:
    """Swagger UI."""
    return get_swagger_ui_html(
        openapi_url=_DOCUMENT,
        title="Duihua 对话 API",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )


@router.api_route(_DOCUMENT, methods=["GET", "HEAD"])
def document(request: Request) -> Response:
    """What the API takes and answers; no coroutine, as making it would hold everybody up."""
    return Response(request.app.document, media_type="application/json")


def install(app: FastAPI) -> None:
    """Serve the pages and their assets."""
    app.include_router(router)
    if not web_client.install(app):
        app.add_api_route("/", landing, response_class=HTMLResponse, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-assets")
