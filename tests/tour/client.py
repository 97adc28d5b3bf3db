"""A client of the API in a page: requests, events of a stream, uploads and downloads."""

import contextlib
import http.client
import json
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]


class Event(NamedTuple):
    """One Server-Sent Event."""

    id: int
    data: Json


class Api:
    """The API at a base URL."""

    def __init__(self, base_url: str) -> None:
        self._url = urllib.parse.urlsplit(base_url.rstrip("/"))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Json]:
        """One request; its status and its JSON."""
        with self._request(method, path, body, headers) as response:
            return response.status, json.loads(response.read())

    def data(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request that must succeed; the `data` of its answer."""
        status, answer = self.call(method, path, body, **headers)
        assert status == 200, answer
        return answer["data"]

    @contextlib.contextmanager
    def stream(self, method: str, path: str, body: Any = None, **headers: str) -> Iterator["Stream"]:
        """A request that is answered by a stream."""
        with self._request(method, path, body, headers) as response:
            assert response.status == 200, response.read()
            assert (response.getheader("Content-Type") or "").startswith("text/event-stream")
            yield Stream(response)

    def upload(self, path: str, name: str, content: bytes) -> Any:
        """Send one file as a form does; the `data` of the answer."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        form = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        with self._request("POST", path, form, headers) as response:
            answer = json.loads(response.read())
            assert response.status in {200, 202}, answer
            return answer["data"]

    def download(self, path: str, method: str = "GET", body: Any = None) -> bytes:
        """The bytes that are there."""
        with self._request(method, path, body, {}) as response:
            assert response.status == 200, response.read()
            return response.read()

    def submit(self, path: str, form: dict[str, str]) -> bytes:
        """What is there for a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode(form).encode()
        with self._request("POST", path, body, headers) as response:
            assert response.status == 200, response.read()
            return response.read()

    @contextlib.contextmanager
    def _request(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        secure = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(self._url.netloc, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        payload = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        if payload is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, self._url.path + path, payload, sent)
        try:
            yield connection.getresponse()
        finally:
            connection.close()


class Stream:
    """The events of a response, as they come."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.task_id = response.getheader("X-Task-ID") or ""

    def __iter__(self) -> Iterator[Event]:
        number = 0
        for line in self._response:
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b"data: "):
                yield Event(number, json.loads(line[6:]))
