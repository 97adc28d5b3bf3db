"""Names for things: UUIDv7 (RFC 9562 §5.7), unguessable enough and in order of creation."""

from uuid_utils import uuid7


def new_uuid() -> str:
    """A new UUIDv7 in its usual 36-character form."""
    return str(uuid7())


# How clients name conversations and messages: a uuid, or the integer id.
REFERENCE_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z-]{0,63}$"
_LARGEST_ID = 2**63 - 1


def as_row_id(reference: str) -> int | None:
    """The integer id that `reference` spells, or None where it is a uuid. Ids that cannot exist become 0."""
    if not (reference.isascii() and reference.isdigit()):
        return None
    number = int(reference)
    return number if number <= _LARGEST_ID else 0
