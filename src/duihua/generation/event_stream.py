"""The response that follows a generation: Server-Sent Events, as raw ASGI messages.

A streaming response of the framework costs a fifth more for each event (docs/decisions/0003).
"""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from duihua.generation.feeds import Feeds, Follower
from duihua.generation.service import Attached

HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    # A proxy that buffers or compresses would hold tokens back.
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
# What is sent at once is what is kept for a client that does not read.
_MOST_BYTES = 16 * 1024


class EventStream(Response):
    """Sends a feed until it ends or the client is gone. The generation does not notice either way."""

    def __init__(self, feeds: Feeds, attached: Attached) -> None:
        self._feeds, self._attached = feeds, attached
        super().__init__(headers=HEADERS | {"x-task-id": attached.task_id})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the frames that are there, then each commit as it comes."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        follower = self._feeds.follow(self._attached.feed, self._attached.after)
        gone = asyncio.create_task(_disconnect(receive))
        gone.add_done_callback(lambda _: follower.close())
        try:
            # What has begun needs nothing of what is wrapped around the server's own way, each time anew;
            # and as a task of its own, an event does not wake all of that.
            await asyncio.create_task(_pump(follower, scope["state"]["send"]), name="pump")
        finally:
            gone.cancel()
            self._feeds.leave(follower)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _pump(follower: Follower, send: Send) -> None:
    async for piece in follower:
        # The last event holds the whole reply.
        for begin in range(0, len(piece), _MOST_BYTES):
            body = piece[begin : begin + _MOST_BYTES]
            await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
