"""A new secret key for every stored API key, while servers go on; docs/decisions/0008 says why it is safe."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from duihua.connections import repository
from duihua.connections.keys import Keys, KeyUnreadable, is_sealed, new_secret
from duihua.db.lock import DatabaseInUse, ProcessLock
from duihua.db.session import Database

Progress = Callable[[int, int], None]
# Rows of one transaction: nobody waits long for it.
AT_ONCE = 50
# Longer than any transaction may take that sealed an API key under a former secret key.
SETTLING_SECONDS = 6.0


class NotRotated(ValueError):
    """It cannot be done as asked; nothing was lost."""


class Rotated(NamedTuple):
    """What was done: whether an interrupted rotation was finished, how many API keys were sealed anew.

    `unreadable` are those whose secret key is not here; they stay as they are.
    """

    resumed: bool
    renewed: int
    unreadable: int


async def rotate(db: Database, keys: Keys, told: Progress) -> Rotated:
    """Seal every stored API key under a new secret key; one that was interrupted is finished instead.

    With the secret keys of the environment, of which the first is the new one, it only seals. `told` is
    called with how many are done, and of how many.

    Raises:
        NotRotated: another rotation is under way.
    """
    with _alone(keys):
        rows = await db.read(repository.stored_keys)
        resumed = any(_is_former(keys, stored) for _, stored in rows)
        if keys.is_file and not resumed:
            keys.replace([new_secret(), *keys.file_secrets()])
        renewed = 0
        while True:
            stale = [row for row in await db.read(repository.stored_keys) if _is_stale(keys, row[1])]
            if not stale:
                break
            for start in range(0, len(stale), AT_ONCE):
                batch = [(row_id, old, keys.reseal(old)) for row_id, old in stale[start : start + AT_ONCE]]
                renewed += await db.write(repository.replace_keys, batch)
                told(renewed, len(rows))
        rows = await db.read(repository.stored_keys)
        return Rotated(resumed, renewed, sum(not _is_readable(keys, stored) for _, stored in rows))


async def forget_former(db: Database, keys: Keys) -> None:
    """Remove all but the first secret key from the key file, once nothing stored needs them.

    Raises:
        NotRotated: something does, or they are the environment's.
    """
    if not keys.is_file:
        raise NotRotated("the secret keys are those of DUIHUA_SECRET_KEY: remove the former ones there")
    with _alone(keys):
        # A server that had read the file before the rotation may be about to commit.
        await asyncio.sleep(SETTLING_SECONDS)
        for _, stored in await db.read(repository.stored_keys):
            if not keys.is_current(stored):
                raise NotRotated(
                    "some stored API keys need a former secret key: run rotate-key without --forget"
                )
        keys.replace(keys.file_secrets()[:1])


@contextmanager
def _alone(keys: Keys) -> Iterator[None]:
    keys.prepare()
    keys.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with ProcessLock(keys.file):
            yield
    except DatabaseInUse as error:
        raise NotRotated("another rotation of the secret key is under way") from error


def _is_readable(keys: Keys, stored: str) -> bool:
    try:
        keys.open(stored)
    except KeyUnreadable:
        return False
    return True


def _is_former(keys: Keys, stored: str) -> bool:
    return is_sealed(stored) and _is_stale(keys, stored)


def _is_stale(keys: Keys, stored: str) -> bool:
    return not keys.is_current(stored) and _is_readable(keys, stored)
