"""One run: a provider's deltas into the journal, until exactly one outcome."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

import structlog

from duihua.core.errors import AppError
from duihua.generation.journal import Journal, RunLog
from duihua.generation.starting import Run
from duihua.generation.titling import Titling
from duihua.providers.base import Delta, Usage
from duihua.vocabulary import MessageState

log = structlog.get_logger()
# Who sends so much at once has more, which need not wait for the next commit. Neither has the end to wait.
_MANY = 32


class ReplyTooLong(AppError):
    """The model would not stop."""

    code = "reply_too_long"


class Thinking:
    """How long a model thinks: from a first thought to the word after it, each time that it begins."""

    __slots__ = ("_since", "_spent")

    def __init__(self, before_ms: int | None = None) -> None:
        self._since: float | None = None
        self._spent = None if before_ms is None else before_ms / 1000

    def begin(self) -> None:
        """A thought came."""
        if self._since is None:
            self._since = time.monotonic()

    def end(self) -> None:
        """A word came, or nothing comes any more."""
        if self._since is not None:
            self._spent = (self._spent or 0.0) + time.monotonic() - self._since
            self._since = None

    @property
    def milliseconds(self) -> int | None:
        """All of it that has ended; None where there was none."""
        return None if self._spent is None else round(self._spent * 1000)


class Generating:
    """A run under way: what it has said, and what is known of it whatever ends it."""

    __slots__ = (
        "_journal",
        "_most_chars",
        "finish_reason",
        "finished_at",
        "first_token_at",
        "run",
        "said",
        "thinking",
        "titling",
        "usage",
    )

    def __init__(self, run: Run, journal: Journal, *, most_chars: int) -> None:
        self.run = run
        begun = (run.begun.text, run.begun.reasoning)
        self.said = RunLog(run.generation_id, run.message_id, seq=len(run.frames), begun=begun)
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.first_token_at: datetime | None = None
        self.finished_at: datetime | None = None
        self.thinking = Thinking(run.begun.reasoning_ms)
        self.titling = Titling(run)
        self._journal, self._most_chars = journal, most_chars

    async def to_the_end(self) -> tuple[MessageState, AppError | None]:
        """Write the reply into the journal as it comes; how it ended.

        Raises:
            asyncio.CancelledError: it was stopped; what was said until then stands.
        """
        try:
            async with aclosing(self.run.provider.stream(self.run.request)) as batches:
                async for deltas in batches:
                    self._take(deltas)
                    if self.finish_reason is None and (len(deltas) < _MANY or self._journal.is_full):
                        await self._journal.turn()
        except AppError as error:
            return MessageState.FAILED, error
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("generation failed", generation=self.run.generation_id)
            return MessageState.FAILED, AppError()
        finally:
            self.thinking.end()
            self.finished_at = self._moment()
        return MessageState.COMPLETE, None

    def _take(self, deltas: Sequence[Delta]) -> None:
        if reasoning := "".join([delta.reasoning for delta in deltas]):
            self.thinking.begin()
            self._say("reasoning", reasoning)
        if text := "".join([delta.text for delta in deltas]):
            self.thinking.end()
            self._say("chunk", text)
        for delta in deltas:
            if delta.finish_reason is not None:
                self.finish_reason = delta.finish_reason
            if delta.usage is not None:
                self.usage = delta.usage
        if self.said.chars > self._most_chars:
            raise ReplyTooLong(limit=self._most_chars)

    def _moment(self) -> datetime:
        """Now, by the clock of the beginning: the machine's may be put forward or back meanwhile."""
        return self.run.created_at + timedelta(seconds=time.monotonic() - self.run.began)

    def _say(self, kind: str, content: str) -> None:
        first = self.first_token_at is None
        if first:
            self.first_token_at = self._moment()
        self._journal.append(self.said, kind, content, urgent=first)
        if first:
            self.titling.begin()
