"""Names of files, safe on every system and kept in every script."""

import re
import unicodedata

import regex

from duihua.core.text import JOINERS, visible

# NTFS, APFS and ext4 take 255 bytes or characters; what saves a file may add to its name.
MOST_BYTES = 200
_EXTENSION_BYTES = 20
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: with any extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)


def safe_name(name: str, *, fallback: str = "file") -> str:
    """`name` without folders and without what any system forbids or a reader cannot see.

    Control, format (also those that turn the direction of writing) and unassigned characters go, what is
    forbidden becomes `_`. At most `MOST_BYTES` of UTF-8, cut between graphemes, the extension kept.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    tidy = _FORBIDDEN.sub("_", " ".join(visible(last).split())).rstrip(". ")
    if not tidy.strip("._ " + JOINERS):
        return fallback
    if _RESERVED.match(tidy):
        tidy = "_" + tidy
    return _shortened(tidy)


def extension_of(name: str) -> str:
    """The part from the last dot on, in small letters; empty where there is none."""
    stem, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if stem and dot and extension else ""


def cut(text: str, most_bytes: int) -> str:
    """The beginning of `text` in at most so many bytes of UTF-8, never within a grapheme."""
    if len(text.encode()) <= most_bytes:
        return text
    kept, size = [], 0
    for grapheme in regex.findall(r"\X", text[: most_bytes + 1]):
        size += len(grapheme.encode())
        if size > most_bytes:
            break
        kept.append(grapheme)
    return "".join(kept)


def _shortened(name: str) -> str:
    if len(name.encode()) <= MOST_BYTES:
        return name
    extension = extension_of(name)
    if len(extension.encode()) > _EXTENSION_BYTES:
        extension = ""
    written = name[len(name) - len(extension) :] if extension else ""
    return cut(name[: len(name) - len(written)], MOST_BYTES - len(written.encode())).rstrip(". ") + written
