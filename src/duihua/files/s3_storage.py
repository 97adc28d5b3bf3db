"""Contents in a bucket that speaks the protocol of S3. Needs the extra `s3`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from duihua.core.errors import AppError
from duihua.files.storage import PIECE_BYTES, FileContentMissing, FileStorageUnavailable

if TYPE_CHECKING:
    from obstore import GetResult

_PATIENCE = timedelta(seconds=20)


class Bucket(NamedTuple):
    """Where it is and how one enters; what is None is found as AWS's own tools find it."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: str | None = None


class S3Storage:
    """One object for each file, under `prefix`."""

    def __init__(self, bucket: Bucket) -> None:
        given = {
            "endpoint": bucket.endpoint,
            "region": bucket.region,
            "access_key_id": bucket.key_id,
            "secret_access_key": bucket.secret,
        }
        is_plain = (bucket.endpoint or "").startswith("http://")
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            client_options={"allow_http": is_plain, "timeout": _PATIENCE},
            retry_config={"max_retries": 2, "retry_timeout": _PATIENCE},
            **{name: value for name, value in given.items() if value},  # type: ignore[arg-type]  # its own names
        )

    async def put(self, key: str, path: Path) -> None:
        """See `Storage.put`. An object is there as a whole or not at all."""
        # Here it is the bucket that may be missing.
        with _errors(missing=FileStorageUnavailable):
            await obstore.put_async(self._store, key, path)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """See `Storage.open`."""
        with _errors():
            found = await obstore.get_async(self._store, key)
        return _pieces(found)

    async def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        with _errors():
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return


async def _pieces(found: "GetResult") -> AsyncIterator[bytes]:
    with _errors():
        async for piece in found.stream(min_chunk_size=PIECE_BYTES):
            yield bytes(piece)


@contextmanager
def _errors(missing: type[AppError] = FileContentMissing) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise missing from error
    except (BaseError, OSError) as error:
        raise FileStorageUnavailable(retry_after=5) from error
