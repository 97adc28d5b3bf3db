"""A connection: how much waits for a client that does not read, and for how long."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Beyond what the kernel holds. Of a body in pieces, one more piece may have been written, and one waits.
MOST_WAITING_BYTES = 16 * 1024
STUCK_SECONDS = 30.0
_LOOK_SECONDS = 5.0


class Connection(HttpToolsProtocol):
    """Uvicorn's, which ends where its client takes nothing for `STUCK_SECONDS` of what waits for it.

    It is aborted: to close would be to wait until the client has taken everything.
    """

    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=MOST_WAITING_BYTES)

    def pause_writing(self) -> None:
        """Too much waits: see whether it becomes less."""
        super().pause_writing()
        self._look(self.transport.get_write_buffer_size(), self.loop.time())

    def resume_writing(self) -> None:
        """The client has taken enough."""
        super().resume_writing()
        self._look_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go."""
        self._look_no_more()
        super().connection_lost(exc)

    def _look(self, waiting: int, since: float) -> None:
        left, now = self.transport.get_write_buffer_size(), self.loop.time()
        if left < waiting:
            since = now
        elif now - since >= STUCK_SECONDS:
            self.transport.abort()
            return
        self._looking = self.loop.call_later(_LOOK_SECONDS, self._look, left, since)

    def _look_no_more(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
