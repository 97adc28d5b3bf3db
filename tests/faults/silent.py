"""A client that asks for a stream and reads nothing of it until it is told to."""

import asyncio
import socket
from contextlib import suppress

import httptools

from tests.faults.listener import Frame, frames_in


class Silent:
    """One connection, with the smallest receive buffer that the system gives."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._socket.setblocking(False)
        self._body = b""

    async def ask(self, port: int, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", port))
        await loop.sock_sendall(self._socket, request)

    async def read(self) -> list[Frame]:
        """The whole events of what there is to read until the end of the connection, however it ends."""
        # Megabytes wait, and with the smallest buffer they would come for minutes.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        parser = httptools.HttpResponseParser(self)
        with suppress(ConnectionError):
            while data := await asyncio.get_running_loop().sock_recv(self._socket, 1 << 16):
                parser.feed_data(data)
        self._socket.close()
        return frames_in(self._body)

    def on_body(self, body: bytes) -> None:
        self._body += body
