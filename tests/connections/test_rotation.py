"""`duihua rotate-key`: a server runs, the command is killed anywhere, and no stored key is ever lost."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from duihua.connections import repository, rotating
from duihua.connections.keys import Keys, new_secret
from duihua.core.config import Config
from duihua.db.lock import ProcessLock
from duihua.db.session import Database, Session
from duihua.models import Connection
from duihua.models.user import LOCAL_USER_ID
from tests.fixtures.client import Client
from tests.fixtures.rows import MOMENT

API_KEYS = [f"sk-canary-{number}-0123456789abcd" for number in range(3)]


def stored(session: Session) -> list[str]:
    rows = session.scalars(select(Connection.api_key).order_by(Connection.id))
    return [row for row in rows if row]


async def command(
    client: Client, *arguments: str, module: str = "duihua"
) -> subprocess.CompletedProcess[str]:
    config = client.app.state.config
    env = {"DATABASE_URL": config.resolved_database_url, "DUIHUA_DATA_DIR": str(config.data_dir)}
    started = [sys.executable, "-m", module, *arguments]
    run = subprocess.run
    return await asyncio.to_thread(
        run, started, env=env, capture_output=True, text=True, check=False, timeout=60
    )


async def connect(client: Client, key: str) -> int:
    body = {"model_url": "http://127.0.0.1:9", "api_key": key, "status": "inactive"}
    return (await client.post("/chat/api-keys", body)).data["id"]


async def opened(client: Client, *, by: Keys | None = None) -> list[str]:
    """Every stored API key, as the running server, or whoever has the key file, opens it."""
    keys = by or client.app.state.catalogue.keys
    return [keys.open(token) for token in await client.app.state.database.read(stored)]


async def test_keys_outlive_a_rotation_that_is_killed_anywhere(client: Client) -> None:
    for key in API_KEYS:
        await connect(client, key)
    state = client.app.state
    before = state.catalogue.keys.file_secrets()
    old = await state.database.read(stored)
    kills = 0
    while (
        killed := await command(client, str(kills), module="tests.connections.killed_rotation")
    ).returncode:
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert await opened(client) == await opened(client, by=Keys(state.config)) == API_KEYS
        kills += 1
    # Before and after the new key file, between two rows, and inside a transaction.
    assert kills == 4
    assert await opened(client) == await opened(client, by=Keys(state.config)) == API_KEYS
    # Those after the first went on with the same new key.
    assert len(state.catalogue.keys.file_secrets()) == 2
    assert state.catalogue.keys.file_secrets()[1:] == before
    new = await state.database.read(stored)
    assert not set(new) & set(old)
    assert all(state.catalogue.keys.is_current(token) for token in new)


async def test_the_command_rotates_and_the_former_key_can_go(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(client, API_KEYS[0])
    keys: Keys = client.app.state.catalogue.keys
    [former] = keys.file_secrets()
    done = await command(client, "rotate-key")
    assert (done.returncode, done.stdout) == (0, "1 API keys were encrypted with the new secret key.\n"), done
    new = keys.file_secrets()[0]
    assert new not in done.stderr
    assert keys.file.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(rotating, "SETTLING_SECONDS", 0)
    await rotating.forget_former(client.app.state.database, Keys(client.app.state.config))
    assert keys.file_secrets() == [new]
    await connect(client, API_KEYS[1])
    assert await opened(client) == await opened(client, by=Keys(client.app.state.config)) == API_KEYS[:2]
    with ProcessLock(keys.file):
        refused = await command(client, "rotate-key")
    assert (refused.returncode, "under way" in refused.stderr) == (1, True)
    keys.replace([former])
    lost = await command(client, "rotate-key", "--forget")
    assert (lost.returncode, "2 API keys could not be opened" in lost.stderr) == (1, True)
    assert former in keys.file_secrets()


async def test_what_is_changed_meanwhile_stands(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first, plain = [await connect(client, key) for key in API_KEYS[:2]]
    db, keys = client.app.state.database, Keys(client.app.state.config)
    # As by a server that had read the key file before the rotation.
    newer = keys.seal(API_KEYS[2])
    real = repository.replace_keys

    def late(session: Session, batch: Any) -> int:
        monkeypatch.setattr(repository, "replace_keys", real)
        session.get_one(Connection, first).api_key = newer
        session.flush()
        return real(session, batch)

    def older_deployment(session: Session) -> None:
        session.get_one(Connection, plain).api_key = API_KEYS[1]

    await db.write(older_deployment)
    monkeypatch.setattr(repository, "replace_keys", late)
    assert await rotating.rotate(db, keys, lambda *_: None) == (False, 2, 0)
    assert await opened(client) == [API_KEYS[2], API_KEYS[1]]
    assert all(keys.is_current(token) for token in await db.read(stored))


async def test_secret_keys_of_the_environment_are_only_used(database: Database, tmp_path: Path) -> None:
    former, new = new_secret(), new_secret()

    def keys(secrets: str) -> Keys:
        return Keys(Config(_env_file=None, data_dir=tmp_path / "none", secret_key=secrets))

    def add(session: Session) -> None:
        sealed = keys(former).seal(API_KEYS[0])
        session.add(Connection(user_id=LOCAL_USER_ID, api_key=sealed, created_at=MOMENT, updated_at=MOMENT))

    await database.write(add)
    both = keys(f"{new},{former}")
    assert (await rotating.rotate(database, both, lambda *_: None)).renewed == 1
    [token] = await database.read(stored)
    assert keys(new).open(token) == API_KEYS[0]
    with pytest.raises(rotating.NotRotated, match="DUIHUA_SECRET_KEY"):
        await rotating.forget_former(database, both)
