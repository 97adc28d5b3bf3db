"""Server-Sent Events, decoded from bytes as they arrive."""

from duihua.providers.errors import ProviderEventTooLarge

EVENT_LIMIT_BYTES = 8 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SSEDecoder:
    """One event stream: bytes in, the `data` of each completed event out.

    Source: WHATWG HTML §9.2.6, "Interpreting an event stream". Lines end with LF, CR or CRLF and with
    nothing else; fields other than `data` are read over, for no dialect needs them. The time taken is
    linear in the bytes, however they are cut.
    """

    __slots__ = ("_data", "_data_bytes", "_head", "_limit", "_line", "_line_bytes", "_skips_lf")

    def __init__(self, limit_bytes: int = EVENT_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        # The first bytes, for as long as they may still turn out to be a byte order mark.
        self._head: bytes | None = b""
        # The pieces of the line and the lines of the event that have not ended yet.
        self._line: list[bytes] = []
        self._line_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._skips_lf = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and give the data of the events they complete.

        Raises:
            ProviderEventTooLarge: an event of more than `limit_bytes`, complete or not.
        """
        if self._head is not None:
            chunk = self._without_bom(chunk)
        if self._skips_lf and chunk:
            self._skips_lf = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._skips_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        # What nearly every read is: whole events of one data line each.
        if (
            chunk.startswith(b"data: ")
            and chunk.endswith(b"\n\n")
            and not (self._line or self._data)
            and len(chunk) - 8 <= self._limit
        ):
            events = chunk[6:-2].split(b"\n\ndata: ")
            if chunk.count(b"\n") == 2 * len(events):
                return events
        return self._split(chunk)

    def flush(self) -> list[bytes]:
        """Give the last event when the stream has ended without the blank line after it.

        The standard drops it; providers have been seen to end so, and the reader of `data` can tell
        a whole event from half of one.
        """
        return self._split(b"\n\n")

    def _without_bom(self, chunk: bytes) -> bytes:
        head = (self._head or b"") + chunk
        if _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _split(self, chunk: bytes) -> list[bytes]:
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._line:
            lines[0] = b"".join((*self._line, lines[0]))
            self._line.clear()
            self._line_bytes = 0
        events: list[bytes] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._hold(line[6:] if line.startswith(b"data: ") else line[5:])
            elif line == b"data":
                self._hold(b"")
            elif not line and self._data:
                events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
                self._data.clear()
                self._data_bytes = 0
        if rest:
            self._line.append(rest)
            self._line_bytes += len(rest)
            self._check(self._line_bytes - len(b"data: "))
        return events

    def _hold(self, data: bytes) -> None:
        # One more for the LF that joins the lines, as the standard counts it.
        self._data_bytes += len(data) + 1
        self._data.append(data)
        self._check(-1)

    def _check(self, unfinished: int) -> None:
        if self._data_bytes + unfinished > self._limit:
            raise ProviderEventTooLarge(limit=self._limit)
