"""A model server that speaks OpenAI's protocol and always says the same, for the tour to connect."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "tour-1"
PIECES = ("你好", "，", "我是导览模型。")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """The list of models."""
        self._answer("application/json", json.dumps({"data": [{"id": MODEL}]}))

    def do_POST(self) -> None:
        """A reply, in pieces."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["model"] == MODEL
        events: list[object] = [{"choices": [{"delta": {"content": piece}}]} for piece in PIECES]
        usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
        events += [{"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}]
        stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        self._answer("text/event-stream", stream + "data: [DONE]\n\n")

    def _answer(self, content_type: str, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: the tour prints for itself."""


@contextlib.contextmanager
def model_server() -> Iterator[str]:
    """Serve on a free port of this machine; the address to connect."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
