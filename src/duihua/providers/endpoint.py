"""Where the requests of a connection go, with which key, and how long each may take."""

import re
from urllib.parse import SplitResult, urlsplit

import msgspec

from duihua.providers.errors import ProviderInvalidAddress
from duihua.providers.text import one_line

_REASON_LENGTH = 300
# What is looked at of a text for that: some are megabytes long.
_READ_CHARS = 8000
# Keys that are not ours: a proxy may echo the one it holds itself.
_FOREIGN_KEY = re.compile(r"\b(?:sk-|Bearer\s+)[\w.~+/=*-]{6,}")


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long a provider may take, in seconds.

    Progress is what brings the reply on (the dialect says which events do): heartbeats are none.
    `first_byte` lasts from the request, its retries included, to the first progress; `idle` from one
    progress to the next; `ending` from the finish reason to the end of the stream; `total` is the cap
    on the whole reply.
    """

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 60.0
    ending: float = 5.0
    total: float = 3600.0


class Endpoint:
    """A base URL and its key; neither its `repr` nor anything it has redacted shows the key.

    Two are equal that ask the same server with the same key and the same patience, whatever they are called.
    """

    __slots__ = ("_key", "_key_header", "_key_prefix", "base_url", "provider", "timeouts")

    def __init__(
        self,
        provider: str,
        base_url: str,
        api_key: str = "",
        *,
        timeouts: Timeouts | None = None,
        key_header: tuple[str, str] = ("Authorization", "Bearer "),
    ) -> None:
        """`base_url` is what paths such as `/models` are appended to; `key_header` a name and a prefix.

        Raises:
            ProviderInvalidAddress: not an http(s) URL with a host and without a user, or a key that
                no HTTP header can carry.
        """
        self.provider = provider
        self.timeouts = timeouts or Timeouts()
        self.base_url = _checked_url(provider, base_url)
        self._key = api_key.strip()
        self._key_header, self._key_prefix = key_header
        if not (self._key.isascii() and self._key.isprintable()):
            raise ProviderInvalidAddress(provider=provider, reason="the API key has characters outside ASCII")

    def __repr__(self) -> str:
        return f"Endpoint({self.provider!r}, {self.base_url!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Endpoint) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def url(self, path: str) -> str:
        """The address of `path`, which begins with a slash."""
        return self.base_url + path

    def at_root(self) -> "Endpoint":
        """The same server and key, with paths that begin where its `/v1` does."""
        root = self.base_url.removesuffix("/v1")
        header = (self._key_header, self._key_prefix)
        return Endpoint(self.provider, root, self._key, timeouts=self.timeouts, key_header=header)

    def headers(self) -> dict[str, str]:
        """The request headers, with the key: to be passed on at once and never kept in a variable."""
        key = {self._key_header: self._key_prefix + self._key} if self._key else {}
        return {"Content-Type": "application/json", "Accept-Encoding": "identity", **key}

    def _identity(self) -> tuple[str, str, Timeouts]:
        return self.base_url, self._key, self.timeouts

    def redact(self, text: str) -> str:
        """`text` fit for an error: one line without the key, shortened to about 300 characters."""
        # The key is looked for before anything is cut off, and again when the invisible characters are gone.
        line = self._without_key(one_line(self._without_key(text)[:_READ_CHARS]))
        line = _FOREIGN_KEY.sub("[redacted]", line)
        return line if len(line) <= _REASON_LENGTH else line[: _REASON_LENGTH - 1] + "…"

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[redacted]") if self._key else text


def _checked_url(provider: str, base_url: str) -> str:
    parts = _split(base_url)
    if parts is None:
        reason = "the base URL is not http:// or https:// with a host"
    elif parts.username is not None or parts.query or parts.fragment:
        reason = "the base URL carries a user name, a query or a fragment"
    else:
        return parts.geturl().rstrip("/")
    raise ProviderInvalidAddress(provider=provider, reason=reason)


def _split(url: str) -> SplitResult | None:
    url = url.strip()
    try:
        parts = urlsplit(url)
        # Reading the port and encoding the host is what checks them (UnicodeError is a ValueError).
        is_usable = parts.port != 0 and (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts if is_usable and parts.scheme in {"http", "https"} and not re.search(r"\s", url) else None
