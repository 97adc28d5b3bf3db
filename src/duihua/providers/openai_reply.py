"""The body of an OpenAI-compatible reply: bytes in, deltas out, and the verdict on how it ended."""

import logging

from duihua.providers.base import Delta
from duihua.providers.endpoint import Endpoint
from duihua.providers.errors import (
    ProviderDisconnected,
    ProviderEmpty,
    ProviderError,
    ProviderEventTooLarge,
    ProviderFiltered,
    ProviderInvalidResponse,
)
from duihua.providers.openai_chunk import Choice, Chunk, Counts, Message, decode_chunk
from duihua.providers.refusals import error_of, page_title
from duihua.providers.sse import EVENT_LIMIT_BYTES, SSEDecoder
from duihua.providers.text import TextJoiner, decode_json, storable

_log = logging.getLogger(__name__)
# As long as the column.
_FINISH_REASON_LENGTH = 50
_NOTHING = Message()


class OpenAIReply:
    """One reply as it arrives, over no network: to be fed until it `is_over`, then asked for its `verdict`.

    Source: the OpenAI API reference, "Chat Completions: streaming", and what the servers that call
    themselves compatible send instead.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.is_over = False
        self.finish_reason: str | None = None
        self._endpoint = endpoint
        self._model = model
        self._decoder = SSEDecoder()
        self._text = TextJoiner()
        self._reasoning = TextJoiner()
        self._has_text = False
        self._has_events = False
        self._is_done = False
        self._failure: ProviderError | None = None
        # An answer that is no event stream (a JSON body, a page) is gathered; None once events have begun.
        self._body: bytearray | None = bytearray()

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas of the next bytes, `b""` being their end: only what brings the reply on gives one.

        An error in the stream makes it `is_over`; the deltas before it stand.
        """
        if not chunk:
            deltas = self._ended()
        elif self._body is None:
            deltas = self._deltas(chunk)
        else:
            deltas = self._deltas(self._events_in(self._body, chunk))
        if self.is_over:
            text, reasoning = self._text.flush(), self._reasoning.flush()
            if text or reasoning:
                deltas.append(Delta(text=text, reasoning=reasoning))
        return deltas

    def verdict(self, broken: ProviderError | None) -> ProviderError | None:
        """What was wrong with the reply, None if it was whole.

        `broken` is what stopped the reading, if something did: no harm to a reply that was finished before.
        """
        provider = self._endpoint.provider
        if self._failure is not None:
            return broken if broken and self._body is not None else self._failure
        if not (self._is_done or self.finish_reason):
            cut = ProviderDisconnected if self._has_events else ProviderEmpty
            return broken or cut(provider=provider)
        if not self._is_done:
            _log.info("%s ended its stream without [DONE]", provider)
        if self._has_text:
            return None
        kind = ProviderFiltered if self.finish_reason == "content_filter" else ProviderEmpty
        return kind(provider=provider, reason=self.finish_reason or "")

    def _deltas(self, chunk: bytes) -> list[Delta]:
        deltas: list[Delta] = []
        try:
            events = self._decoder.feed(chunk)
        except ProviderEventTooLarge as failure:
            self._fail(failure)
            return deltas
        for data in events:
            delta = self._delta(data)
            if delta is not None:
                deltas.append(delta)
            if self.is_over:
                break
        return deltas

    def _ended(self) -> list[Delta]:
        if self._body is not None:
            delta = self._whole(bytes(self._body))
        else:
            last = self._decoder.flush()
            delta = self._delta(last[0]) if last else None
            # It may be half an event: then it is the end that is missing, not good JSON.
            if isinstance(self._failure, ProviderInvalidResponse):
                self._failure = None
        self.is_over = True
        return [] if delta is None else [delta]

    def _delta(self, data: bytes) -> Delta | None:
        if data == b"[DONE]":
            self._is_done = self.is_over = True
            return None
        self._has_events = True
        try:
            chunk = decode_chunk(data)
        except ValueError:
            self._not_json(data)
            return None
        if chunk.error or not chunk.choices:
            return self._without_choice(chunk, data)
        choice = chunk.choices[0]
        if choice is None or choice.index:
            choice = next((other for other in chunk.choices if other and not other.index), None)
        return None if choice is None else self._of_choice(choice, chunk.usage)

    def _of_choice(self, choice: Choice, counts: Counts | None) -> Delta | None:
        message = choice.delta or choice.message or _NOTHING
        text = message.content or ""
        if text:
            self._has_text = True
            text = self._text.push(text)
        reasoning = message.reasoning_content or message.reasoning or ""
        if reasoning:
            reasoning = self._reasoning.push(reasoning)
        finish_reason = choice.finish_reason or None
        if finish_reason:
            finish_reason = self.finish_reason = storable(finish_reason)[:_FINISH_REASON_LENGTH]
            if finish_reason == "error":
                self._fail(ProviderError(reason="finish_reason: error"))
        # A tool call is an empty delta: nothing that we show, and still a sign of life.
        if text or reasoning or finish_reason or counts or message.tool_calls:
            return Delta(text, reasoning, finish_reason, counts.usage() if counts else None)
        return None

    def _without_choice(self, chunk: Chunk, data: bytes) -> Delta | None:
        if chunk.error:
            self._fail(error_of(self._endpoint, {"error": chunk.error}, model=self._model))
        elif chunk.usage:
            return Delta(usage=chunk.usage.usage())
        # vLLM and DashScope have sent the fields of the error object without the object around them.
        elif b'"message"' in data and (b'"code"' in data or b'"error"' in data):
            self._fail(error_of(self._endpoint, decode_json(data), model=self._model))
        return None

    def _not_json(self, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self._is_done = self.is_over = True
        elif data.strip():
            self._fail(ProviderInvalidResponse(reason="an event is not a JSON object"))

    def _events_in(self, body: bytearray, chunk: bytes) -> bytes:
        """Tell an event stream by how it begins, not by its content type, which servers get wrong."""
        text = chunk if body else chunk.lstrip()
        if not body and text[:1] not in {b"", b"{", b"[", b"<"}:
            self._body = None
            return chunk
        body += text
        if len(body) > EVENT_LIMIT_BYTES:
            self._fail(ProviderEventTooLarge(limit=EVENT_LIMIT_BYTES))
        return b""

    def _whole(self, body: bytes) -> Delta | None:
        """A JSON answer, from a server that does not stream, is as good as a stream."""
        if not body:
            return None
        is_page = body.startswith(b"<")
        delta = None if is_page else self._delta(body)
        if delta is not None:
            self._is_done = True
        elif self._failure is None:
            page = page_title(body.decode("utf-8", "replace")) if is_page else "JSON without an answer"
            self._fail(ProviderInvalidResponse(reason=self._endpoint.redact(page)))
        return delta

    def _fail(self, failure: ProviderError) -> None:
        failure.values["provider"] = self._endpoint.provider
        self._failure = failure
        self.is_over = True
