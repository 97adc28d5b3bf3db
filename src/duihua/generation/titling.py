"""The title of a conversation that has none: asked for while its first reply is being written."""

import asyncio

import structlog

from duihua.connections.catalogue import Answering
from duihua.generation.starting import Run
from duihua.schemas.title import MAX_LENGTH
from duihua.titles.asking import by_model
from duihua.titles.extract import extracted

log = structlog.get_logger()
# How long the model may take, from the reply's first token on, and how long the reply's end waits for it.
ASKED_SECONDS = 15.0
WAIT_SECONDS = 1.0
SHOWN_SECONDS = 0.02


class Titling:
    """One run's part in it; nothing where the conversation has a title."""

    __slots__ = ("_run", "_task")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._task: asyncio.Task[str | None] | None = None

    def begin(self) -> None:
        """Ask the model. Not before the reply's first token: a server with one slot would do this first."""
        answering, question = self._run.untitled, self._question
        if answering is None or answering.is_offline or not question.strip():
            return
        self._task = asyncio.create_task(
            self._ask(answering, question), name=f"title {self._run.generation_id}"
        )

    async def _ask(self, answering: Answering, question: str) -> str | None:
        # The token that came just now is committed and shown first: this would hold it up.
        await asyncio.sleep(SHOWN_SECONDS)
        return await by_model(answering, question, MAX_LENGTH, ASKED_SECONDS)

    async def end(self, reply: str, *, waits: bool) -> str | None:
        """The model's title, else one from the texts; None where none is due.

        With `waits` the model's may still come, for `WAIT_SECONDS`.
        """
        if self._run.untitled is None:
            return None
        title = await self._by_model(WAIT_SECONDS if waits else 0)
        if not reply:
            return None
        return title or extracted(self._question, MAX_LENGTH) or extracted(reply, MAX_LENGTH) or None

    async def _by_model(self, seconds: float) -> str | None:
        if self._task is None:
            return None
        await asyncio.wait([self._task], timeout=seconds)
        if self._task.cancel():
            return None
        if error := self._task.exception():
            log.error("asking for a title failed", exc_info=error)
            return None
        return self._task.result()

    @property
    def _question(self) -> str:
        request = self._run.request
        # Going on with a reply is asked for in two messages more: `prompt.to_continue`.
        return request.messages[-3 if request.begun else -1].content
