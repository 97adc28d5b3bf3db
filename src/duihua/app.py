"""The application: everything wired together, nothing decided."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from duihua import __version__, api
from duihua.connections.catalogue import Catalogue
from duihua.connections.keys import Keys
from duihua.core.config import Config
from duihua.core.ids import new_uuid
from duihua.db.session import Database, open_database
from duihua.files.local_storage import LocalStorage
from duihua.files.removing import Removals
from duihua.files.storage import Storage
from duihua.files.uploading import INCOMING, Uploads
from duihua.generation.engine import Engine
from duihua.generation.recovery import Recovery
from duihua.http import exception_handlers, health, pages
from duihua.http.middleware import Gate
from duihua.http.reference import DescribedAPI
from duihua.http.request_counts import RequestCounts
from duihua.live.follow import Live
from duihua.metrics.routes import router as metrics
from duihua.providers import registry
from duihua.realtime.bus import Bus, LocalBus
from duihua.sharing.routes import public as shared_pages
from duihua.statistics import rolling
from duihua.transfer.tasks import ImportTasks

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_EXPOSED = ["X-Task-ID", "X-Request-ID", "Content-Disposition"]


def create_app(config: Config) -> FastAPI:
    """The ASGI application for a configuration. Its database must exist (see `db.migrate`)."""
    app = DescribedAPI(
        title="Duihua 对话",
        description=_DESCRIPTION,
        version=__version__,
        lifespan=_lifespan,
        openapi_url=None,
    )
    app.state.config, app.state.requests = config, RequestCounts()
    exception_handlers.install(app)
    app.router.routes.extend(api.ROUTES)
    app.include_router(health.router)
    app.include_router(metrics)
    app.include_router(shared_pages)
    pages.install(app)
    app.add_middleware(
        Gate,
        hosts=frozenset(_hosts(config)),
        origins=frozenset(config.cors_origins),
        requests=app.state.requests,
    )
    if config.cors_origins:
        # Outermost: a page must be able to read also what the gate refuses.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=config.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )
    return app


def _hosts(config: Config) -> set[str]:
    """Host names to answer to; empty means any. On loopback only its own: DNS rebinding stops there."""
    if config.allowed_hosts:
        return {host.lower() for host in config.allowed_hosts}
    return {*_LOOPBACK, "[::1]", config.host} if config.host in _LOOPBACK else set()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    config: Config = app.state.config
    async with AsyncExitStack() as stack:
        db = _database(config)
        stack.push_async_callback(db.close)
        models = registry.connect(
            openai_api_key=config.openai_api_key.get_secret_value() if config.openai_api_key else None,
            openai_base_url=config.openai_base_url,
            default_model=config.default_model,
            own_port=config.port,
            **({} if config.discover else {"servers": ()}),
        )
        stack.push_async_callback(models.close)
        keys = Keys(config)
        keys.prepare()
        app.state.catalogue = Catalogue(models, keys)
        await _open_files(app, stack, db)
        owner = new_uuid()
        bus = _bus(config, owner)
        stack.push_async_callback(bus.close)
        engine = Engine(
            db,
            bus,
            owner,
            tick_seconds=config.journal_tick_ms / 1000,
            most_runs=config.max_generations,
            most_chars=config.max_reply_chars,
        )
        await _open_archive(app, stack, db, owner)
        app.state.database, app.state.bus, app.state.engine, app.state.registry = db, bus, engine, models
        bus.open()
        engine.open()
        stack.push_async_callback(engine.close)
        recovery = Recovery(db, bus, engine, journal_kept=timedelta(hours=config.journal_keep_hours))
        rounds = asyncio.create_task(recovery.rounds(), name="recovery")
        stack.callback(rounds.cancel)
        models.start()
        yield


def _database(config: Config) -> Database:
    url, connections = config.resolved_database_url, config.database_connections
    return open_database(url, synchronous=config.synchronous, pool_size=connections)


async def _open_archive(app: FastAPI, stack: AsyncExitStack, db: Database, owner: str) -> None:
    counting = asyncio.create_task(rolling.rounds(db), name="usage")
    stack.callback(counting.cancel)
    app.state.live, app.state.imports = Live(db), ImportTasks(db, owner)
    stack.callback(app.state.live.close)
    await app.state.imports.open()
    stack.push_async_callback(app.state.imports.close)


def open_uploads(config: Config, db: Database) -> Uploads:
    """What takes files in, as the configuration says where."""
    folder = config.data_dir.expanduser().absolute()
    return Uploads(
        db,
        _storage(config, folder),
        folder / INCOMING,
        most_chars=config.max_file_chars,
        most_bytes=config.max_file_bytes,
    )


async def _open_files(app: FastAPI, stack: AsyncExitStack, db: Database) -> None:
    config: Config = app.state.config
    uploads = open_uploads(config, db)
    await uploads.remove_leftovers(alone=not db.is_shared)
    app.state.storage, app.state.uploads = uploads.storage, uploads
    app.state.removals = Removals(db, uploads.storage, kept=timedelta(days=config.file_keep_days))
    removing = asyncio.create_task(app.state.removals.rounds(), name="removals")
    stack.callback(removing.cancel)


def _storage(config: Config, folder: Path) -> Storage:
    if not config.file_storage:
        return LocalStorage(folder / "files")
    from duihua.files.s3_storage import Bucket, S3Storage

    name, _, prefix = config.file_storage.removeprefix("s3://").partition("/")
    key_id, secret = [
        value.get_secret_value() if value else None for value in (config.s3_key_id, config.s3_secret)
    ]
    return S3Storage(Bucket(name, prefix.strip("/"), config.s3_endpoint, config.s3_region, key_id, secret))


def _bus(config: Config, owner: str) -> Bus:
    if config.redis_url is None:
        return LocalBus()
    from duihua.realtime.redis_bus import RedisBus

    return RedisBus(config.redis_url.get_secret_value(), owner)


_DESCRIPTION = """
自托管的 AI 对话服务器。Self-hosted AI chat: REST and Server-Sent Events.

* 参数名可用 camelCase 或 snake_case；响应为 snake_case。
  Parameters may be spelled in camelCase or snake_case; answers are snake_case.
* 响应均为 `{"code", "message", "msg", "data"}`；错误另有 `error` 与 `request_id`。
  Every answer has that envelope; errors add `error` and `request_id`.
* 语言由 `Accept-Language` 决定，默认中文。Language by `Accept-Language`, Chinese by default.
* 任何 POST 都可带 `Idempotency-Key`，重试不会产生第二次效果。
  Any POST may carry `Idempotency-Key`: a retry has no second effect.
* `/api/chat/…` 与 `/chat/…` 相同。`/api/chat/…` is the same as `/chat/…`.
"""
