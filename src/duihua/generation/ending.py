"""How a generation ends: the record of it, and the one terminal event that says so."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from duihua.core.errors import AppError, Conflict
from duihua.core.i18n import Language, translate
from duihua.providers.base import Usage
from duihua.providers.errors import ProviderError
from duihua.schemas import stream
from duihua.vocabulary import MessageState


class LostGeneration(Conflict):
    """The run has ended already, or belongs to another process now: nothing may be written to it."""

    code = "generation_lost"


class Ending(NamedTuple):
    """How a generation ended; `rows` are its pieces that are not in the journal yet, `seq` the last's number.

    `title` is one for its conversation, should that still have none.
    """

    generation_id: int
    owner: str
    state: MessageState
    content: str
    reasoning: str
    reasoning_ms: int | None = None
    error: str | None = None
    error_values: dict[str, Any] | None = None
    finish_reason: str | None = None
    usage: dict[str, int] | None = None
    # Of what it went on from: no usage counts them again.
    begun_tokens: int = 0
    first_token_at: datetime | None = None
    finished_at: datetime | None = None
    title: str | None = None
    rows: Sequence[tuple[int, bytes]] = ()
    seq: int = 0
    terminal: bytes = b""


def last_rows(ending: Ending, *, is_titled: bool) -> list[tuple[int, bytes]]:
    """The last events with their numbers: what was said, the title where it was given, the terminal one."""
    titles = [stream.title(ending.title)] if is_titled and ending.title else []
    return [*ending.rows, *enumerate([*titles, ending.terminal], start=ending.seq + 1)]


class Ended:
    """How many generations of this process ended how, since it started."""

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.upstream_errors: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()

    def add(self, state: MessageState, error: AppError | None, usage: Usage | None) -> None:
        """Count one."""
        self.states[state] += 1
        if isinstance(error, ProviderError):
            self.upstream_errors[error.code] += 1
        if usage is not None:
            self.tokens["prompt"] += usage.prompt_tokens
            self.tokens["completion"] += usage.completion_tokens


def terminal_event(message_id: str, language: Language, ending: Ending) -> bytes:
    """The last event of a generation that ended so."""
    if ending.state == MessageState.COMPLETE:
        return stream.complete(message_id, ending.content, ending.usage, ending.finish_reason)
    if ending.state == MessageState.CANCELLED:
        return stream.cancelled(message_id, ending.content, translate("generation_cancelled", language))
    code = ending.error or "internal_error"
    sentence = translate(code, language, **(ending.error_values or {}))
    return stream.error(message_id, ending.content, sentence, code)
