"""Sending files so that no browser takes them for anything but what they are."""

from urllib.parse import quote

# Pictures that browsers draw without running anything. SVG is none of them: it can hold scripts.
INERT = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_POLICY = "default-src 'none'; sandbox"


def disposition(name: str, *, inline: bool = False) -> str:
    """A `Content-Disposition` (RFC 6266): the name in ASCII for the oldest clients, and as it is."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_headers(name: str, content_type: str, *, download: bool = False) -> dict[str, str]:
    """The headers of a stored file: only inert pictures are shown in place, nothing is ever run."""
    return {
        "Content-Disposition": disposition(name, inline=content_type in INERT and not download),
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
