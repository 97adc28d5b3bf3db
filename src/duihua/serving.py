"""Serving: from a configuration to a running server, and from SIGTERM to a clean end."""

import asyncio
import signal
import socket
import sys
from contextlib import suppress

import structlog
import uvicorn
from fastapi import FastAPI

from duihua import __version__
from duihua.app import create_app
from duihua.core import garbage
from duihua.core.config import Config
from duihua.core.i18n import translate
from duihua.db.errors import StorageUnavailable
from duihua.db.lock import sole_server
from duihua.db.session import shown_url
from duihua.http.connection import Connection
from duihua.metrics import families
from duihua.metrics.workers import Workers
from duihua.providers.registry import Registry
from duihua.search_index import rebuilding
from duihua.supervisor import Inherited

log = structlog.get_logger()
# What answers may take beyond the draining: a client that reads nothing has no end.
_MARGIN_SECONDS = 2
# How long a worker that leaves answers on connections that it has.
_LEAVING_SECONDS = 0.5
# After so long a thread that searches lets the event loop have its turn: between two tokens there are 20 ms,
# and of CPython's own 5 ms several may be waited for.
SWITCH_SECONDS = 0.001


class Server(uvicorn.Server):
    """Says what it serves, and drains the engine while connections are open: streams get their last event."""

    def __init__(self, app: FastAPI, config: Config, inherited: Inherited | None = None) -> None:
        super().__init__(_uvicorn_config(app, config))
        self._inherited = inherited
        self._app, self._config = app, config
        self._announcement: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, then say so."""
        work_out_routes(self._app)
        await super().startup(sockets)
        garbage.keep_searches_short()
        if self.started and self._inherited is not None:
            await self._join(self._inherited)
        elif self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
            url = f"http://{host}:{port}"
            database = shown_url(self._config.resolved_database_url)
            log.info(f"Duihua 对话 {__version__}", url=url, docs=f"{url}/docs", database=database)
            self._announce_models()

    async def _join(self, inherited: Inherited) -> None:
        """Tell the parent that this worker serves; end where the parent is gone."""
        state = self._app.state
        state.workers = Workers(inherited.folder, inherited.number, lambda: families.of_server(state))
        await state.workers.open()
        inherited.line.send(b"!")
        asyncio.get_running_loop().add_reader(inherited.line, self.handle_exit, signal.SIGTERM, None)
        if inherited.number == 1:
            self._announce_models()

    def _announce_models(self) -> None:
        self._announcement = asyncio.create_task(_announce(self._app))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let running replies finish or be marked, then close."""
        for listener in self.servers:
            listener.close()
        if self._inherited is not None:
            asyncio.get_running_loop().remove_reader(self._inherited.line)
            self._app.state.workers.close()
        if self._announcement is not None:
            self._announcement.cancel()
        self._app.state.live.close()
        self._app.state.imports.stop()
        seconds = self._config.drain_seconds
        if self._inherited is not None:
            seconds -= await self._send_away(min(_LEAVING_SECONDS, seconds))
        await self._app.state.engine.drain(seconds)
        await super().shutdown(sockets)

    async def _send_away(self, seconds: float) -> float:
        """Have whoever keeps a connection come back by a new one, which another worker takes; `seconds`.

        To close what is idle at once would break requests that are on their way: what is in use is told with
        its next answer. Replies that stream go on.
        """
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(seconds)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        return seconds


def work_out_routes(app: FastAPI) -> None:
    """Let FastAPI make what it otherwise makes when it is first asked, while all wait.

    Those tens of thousands of objects stay, and each later collection would walk them.
    """
    nowhere = {"type": "http", "method": "GET", "path": "", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


async def _announce(app: FastAPI) -> None:
    # A database that is away is not what this is about.
    with suppress(StorageUnavailable):
        if await app.state.database.read(rebuilding.is_outdated):
            log.warning(translate("search_index_outdated", "en"))
    registry: Registry = app.state.registry
    await registry.started()
    for provider, models in registry.connected():
        log.info("model provider connected", provider=provider, models=models)
    if registry.connected():
        log.info("default model", model=registry.default_model)
    else:
        log.info(translate("no_model_connected", "en"))


def serve(config: Config, inherited: Inherited | None = None) -> None:
    """Serve a database that is current until told to stop; as a worker of a parent, if `inherited`.

    Raises:
        DatabaseInUse: nothing was changed.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    with sole_server(config.resolved_database_url):
        # uvicorn ends by raising the signal that stopped it once more: having stopped cleanly is no failure.
        signal.signal(signal.SIGTERM, lambda *_: None)
        Server(create_app(config), config, inherited).run(inherited.listeners if inherited else None)


def _uvicorn_config(app: FastAPI, config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=Connection,
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_MARGIN_SECONDS,
    )
